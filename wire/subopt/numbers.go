package subopt

// Types of suboptions. The drafts leave all of them "to be assigned", and both put theirs into the same messages, so there is
// one space of numbers: 1 to 31 is kept for the handover drafts, 32 to 63 is access (draft-le-aaa-diameter-mobileipv6-04 §6, §7.3,
// laid out in docs/access.md).
const (
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
	Embedded        uint8 = 43 // AAA Request: a Binding Update; AAA Reply: a Binding Acknowledgement
	Result          uint8 = 44 // AAA Reply
	NetworkAuth     uint8 = 45 // AAA Reply
	KeyData         uint8 = 46 // AAA Reply
	SessionLifetime uint8 = 47 // AAA Reply
	Epoch           uint8 = 48 // router advertisement
)
