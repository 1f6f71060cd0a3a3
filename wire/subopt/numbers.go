package subopt

// Types of suboptions. The drafts leave all of them "to be assigned", and both put theirs into the same messages, so there is
// one space of numbers: 1 to 31 are the handover drafts' (draft-koodli-mobileip-fastv6-02 §5.1, §6.1; draft-blair-rt-mobileipv6-seamoby-00
// appendix B.3, B.4; laid out in docs/fast.md), 32 to 63 is access (draft-le-aaa-diameter-mobileipv6-04 §6, §7.3, laid out in
// docs/access.md). Embedded serves both.
const (
	KerberosName    uint8 = 1
	Negotiation     uint8 = 2
	KerberosMessage uint8 = 3
	Lightweight     uint8 = 4
	RealmsRequest   uint8 = 5
	RealmList       uint8 = 6
	TGT             uint8 = 7
	ControlFlags    uint8 = 8
	ContextData     uint8 = 9
	PreviousCareOf  uint8 = 10
	LinkLayer       uint8 = 11
	FailureReason   uint8 = 12
	RouterLife      uint8 = 13

	LocalChallenge  uint8 = 32 // router advertisement, AAA Request, AAA Reply
	VisitedNetwork  uint8 = 33 // router advertisement
	AAAClient       uint8 = 34 // router advertisement
	NAI             uint8 = 35 // AAA Request
	HomeAddress     uint8 = 36 // AAA Request
	CareOfAddress   uint8 = 37 // AAA Request
	HostChallenge   uint8 = 38 // AAA Request
	MNAuth          uint8 = 39 // AAA Request
	Features        uint8 = 40 // AAA Request
	EAP             uint8 = 41 // AAA Request, AAA Reply
	KeyRequest      uint8 = 42 // AAA Request
	Embedded        uint8 = 43 // AAA Request, SHIN: a Binding Update; AAA Reply: a Binding Acknowledgement
	Result          uint8 = 44 // AAA Reply
	NetworkAuth     uint8 = 45 // AAA Reply
	KeyData         uint8 = 46 // AAA Reply
	SessionLifetime uint8 = 47 // AAA Reply
	Epoch           uint8 = 48 // router advertisement
)
