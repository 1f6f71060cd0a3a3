// Code generated from dictionary.txt by go generate; DO NOT EDIT.

package diameter

// Vendors.
const (
	VendorRoam6 uint32 = 32473
)

// Applications.
const (
	AppBase           uint32 = 0
	AppBaseAccounting uint32 = 3
	AppRelay          uint32 = 4294967295
	AppMobileIPv6AAA  uint32 = 16809689
)

// Commands.
const (
	CapabilitiesExchange uint32 = 257      // CER, CEA
	DisconnectPeer       uint32 = 282      // DPR, DPA
	DeviceWatchdog       uint32 = 280      // DWR, DWA
	ReAuth               uint32 = 258      // RAR, RAA
	SessionTermination   uint32 = 275      // STR, STA
	AbortSession         uint32 = 274      // ASR, ASA
	Accounting           uint32 = 271      // ACR, ACA
	AARegistration       uint32 = 16777214 // ARR, ARA
	HomeAgentMIPv6       uint32 = 16777215 // HOR, HOA
)

// Result codes, RFC 6733 §7.1.
const (
	MultiRoundAuth            ResultCode = 1001
	Success                   ResultCode = 2001
	LimitedSuccess            ResultCode = 2002
	CommandUnsupported        ResultCode = 3001
	UnableToDeliver           ResultCode = 3002
	RealmNotServed            ResultCode = 3003
	TooBusy                   ResultCode = 3004
	LoopDetected              ResultCode = 3005
	RedirectIndication        ResultCode = 3006
	ApplicationUnsupported    ResultCode = 3007
	InvalidHdrBits            ResultCode = 3008
	InvalidAVPBits            ResultCode = 3009
	UnknownPeer               ResultCode = 3010
	AuthenticationRejected    ResultCode = 4001
	OutOfSpace                ResultCode = 4002
	ElectionLost              ResultCode = 4003
	AVPUnsupported            ResultCode = 5001
	UnknownSessionID          ResultCode = 5002
	AuthorizationRejected     ResultCode = 5003
	InvalidAVPValue           ResultCode = 5004
	MissingAVP                ResultCode = 5005
	ResourcesExceeded         ResultCode = 5006
	ContradictingAVPs         ResultCode = 5007
	AVPNotAllowed             ResultCode = 5008
	AVPOccursTooManyTimes     ResultCode = 5009
	NoCommonApplication       ResultCode = 5010
	UnsupportedVersion        ResultCode = 5011
	UnableToComply            ResultCode = 5012
	InvalidBitInHeader        ResultCode = 5013
	InvalidAVPLength          ResultCode = 5014
	InvalidMessageLength      ResultCode = 5015
	InvalidAVPBitCombo        ResultCode = 5016
	NoCommonSecurity          ResultCode = 5017
	ErrorNoHomeAgent          ResultCode = 4900
	ErrorBadHOR               ResultCode = 5900
	ErrorFeaturesNotSupported ResultCode = 5901
	ErrorHomeAgentNotAllowed  ResultCode = 5902
)

// AVPs.
var (
	UserName                    = Key{Code: 1, Vendor: 0}
	Class                       = Key{Code: 25, Vendor: 0}
	SessionTimeout              = Key{Code: 27, Vendor: 0}
	ProxyState                  = Key{Code: 33, Vendor: 0}
	AcctSessionID               = Key{Code: 44, Vendor: 0}
	AcctMultiSessionID          = Key{Code: 50, Vendor: 0}
	EventTimestamp              = Key{Code: 55, Vendor: 0}
	AcctInterimInterval         = Key{Code: 85, Vendor: 0}
	HostIPAddress               = Key{Code: 257, Vendor: 0}
	AuthApplicationID           = Key{Code: 258, Vendor: 0}
	AcctApplicationID           = Key{Code: 259, Vendor: 0}
	VendorSpecificApplicationID = Key{Code: 260, Vendor: 0}
	RedirectHostUsage           = Key{Code: 261, Vendor: 0}
	RedirectMaxCacheTime        = Key{Code: 262, Vendor: 0}
	SessionID                   = Key{Code: 263, Vendor: 0}
	OriginHost                  = Key{Code: 264, Vendor: 0}
	SupportedVendorID           = Key{Code: 265, Vendor: 0}
	VendorID                    = Key{Code: 266, Vendor: 0}
	FirmwareRevision            = Key{Code: 267, Vendor: 0}
	ResultCodeAVP               = Key{Code: 268, Vendor: 0}
	ProductName                 = Key{Code: 269, Vendor: 0}
	SessionBinding              = Key{Code: 270, Vendor: 0}
	SessionServerFailover       = Key{Code: 271, Vendor: 0}
	MultiRoundTimeOut           = Key{Code: 272, Vendor: 0}
	DisconnectCause             = Key{Code: 273, Vendor: 0}
	AuthRequestType             = Key{Code: 274, Vendor: 0}
	AuthGracePeriod             = Key{Code: 276, Vendor: 0}
	AuthSessionState            = Key{Code: 277, Vendor: 0}
	OriginStateID               = Key{Code: 278, Vendor: 0}
	FailedAVP                   = Key{Code: 279, Vendor: 0}
	ProxyHost                   = Key{Code: 280, Vendor: 0}
	ErrorMessage                = Key{Code: 281, Vendor: 0}
	RouteRecord                 = Key{Code: 282, Vendor: 0}
	DestinationRealm            = Key{Code: 283, Vendor: 0}
	ProxyInfo                   = Key{Code: 284, Vendor: 0}
	ReAuthRequestType           = Key{Code: 285, Vendor: 0}
	AccountingSubSessionID      = Key{Code: 287, Vendor: 0}
	AuthorizationLifetime       = Key{Code: 291, Vendor: 0}
	RedirectHost                = Key{Code: 292, Vendor: 0}
	DestinationHost             = Key{Code: 293, Vendor: 0}
	ErrorReportingHost          = Key{Code: 294, Vendor: 0}
	TerminationCause            = Key{Code: 295, Vendor: 0}
	OriginRealm                 = Key{Code: 296, Vendor: 0}
	ExperimentalResult          = Key{Code: 297, Vendor: 0}
	ExperimentalResultCode      = Key{Code: 298, Vendor: 0}
	InbandSecurityID            = Key{Code: 299, Vendor: 0}
	AccountingRecordType        = Key{Code: 480, Vendor: 0}
	AccountingRealtimeRequired  = Key{Code: 483, Vendor: 0}
	AccountingRecordNumber      = Key{Code: 485, Vendor: 0}
	AcctSessionTime             = Key{Code: 46, Vendor: 0}
	AccountingInputOctets       = Key{Code: 363, Vendor: 0}
	AccountingOutputOctets      = Key{Code: 364, Vendor: 0}
	AccountingInputPackets      = Key{Code: 365, Vendor: 0}
	AccountingOutputPackets     = Key{Code: 366, Vendor: 0}
	EAPKeyName                  = Key{Code: 102, Vendor: 0}
	EAPPayload                  = Key{Code: 462, Vendor: 0}
	EAPReissuedPayload          = Key{Code: 463, Vendor: 0}
	EAPMasterSessionKey         = Key{Code: 464, Vendor: 0}
	AccountingEAPAuthMethod     = Key{Code: 465, Vendor: 0}
	MIPBindingUpdate            = Key{Code: 1001, Vendor: 32473}
	MIPBindingAcknowledgement   = Key{Code: 1002, Vendor: 32473}
	MIPv6MobileNodeAddress      = Key{Code: 1003, Vendor: 32473}
	MIPv6HomeAgentAddress       = Key{Code: 1004, Vendor: 32473}
	MIPv6FeatureVector          = Key{Code: 1005, Vendor: 32473}
	KeyRequest                  = Key{Code: 1006, Vendor: 32473}
	MNKeyDistribution           = Key{Code: 1007, Vendor: 32473}
	KeyDistribution             = Key{Code: 1008, Vendor: 32473}
	KeyType                     = Key{Code: 1009, Vendor: 32473}
	KeyMethod                   = Key{Code: 1010, Vendor: 32473}
	MNSPI                       = Key{Code: 1011, Vendor: 32473}
	PeerSPI                     = Key{Code: 1012, Vendor: 32473}
	KeyLifetime                 = Key{Code: 1013, Vendor: 32473}
	KeyAlgorithm                = Key{Code: 1014, Vendor: 32473}
	KeyRandomNumber             = Key{Code: 1015, Vendor: 32473}
	KeyMaterial                 = Key{Code: 1016, Vendor: 32473}
	DHPublicValue               = Key{Code: 1017, Vendor: 32473}
	DHAuthenticationData        = Key{Code: 1018, Vendor: 32473}
	MNAuthentication            = Key{Code: 1019, Vendor: 32473}
	LocalChallenge              = Key{Code: 1020, Vendor: 32473}
	HostChallenge               = Key{Code: 1021, Vendor: 32473}
	VisitedNetworkIdentifier    = Key{Code: 1022, Vendor: 32473}
	MNAuthenticationData        = Key{Code: 1023, Vendor: 32473}
	NetworkAuthenticationData   = Key{Code: 1024, Vendor: 32473}
	CareOfAddress               = Key{Code: 1025, Vendor: 32473}
)

// Values of Redirect-Host-Usage.
const (
	RedirectHostUsageDontCache           uint32 = 0
	RedirectHostUsageAllSession          uint32 = 1
	RedirectHostUsageAllRealm            uint32 = 2
	RedirectHostUsageRealmAndApplication uint32 = 3
	RedirectHostUsageAllApplication      uint32 = 4
	RedirectHostUsageAllHost             uint32 = 5
	RedirectHostUsageAllUser             uint32 = 6
)

// Values of Session-Server-Failover.
const (
	SessionServerFailoverRefuseService        uint32 = 0
	SessionServerFailoverTryAgain             uint32 = 1
	SessionServerFailoverAllowService         uint32 = 2
	SessionServerFailoverTryAgainAllowService uint32 = 3
)

// Values of Disconnect-Cause.
const (
	DisconnectCauseRebooting            uint32 = 0
	DisconnectCauseBusy                 uint32 = 1
	DisconnectCauseDoNotWantToTalkToYou uint32 = 2
)

// Values of Auth-Request-Type.
const (
	AuthRequestTypeAuthenticateOnly      uint32 = 1
	AuthRequestTypeAuthorizeOnly         uint32 = 2
	AuthRequestTypeAuthorizeAuthenticate uint32 = 3
)

// Values of Auth-Session-State.
const (
	AuthSessionStateStateMaintained   uint32 = 0
	AuthSessionStateNoStateMaintained uint32 = 1
)

// Values of Re-Auth-Request-Type.
const (
	ReAuthRequestTypeAuthorizeOnly         uint32 = 0
	ReAuthRequestTypeAuthorizeAuthenticate uint32 = 1
)

// Values of Termination-Cause.
const (
	TerminationCauseLogout             uint32 = 1
	TerminationCauseServiceNotProvided uint32 = 2
	TerminationCauseBadAnswer          uint32 = 3
	TerminationCauseAdministrative     uint32 = 4
	TerminationCauseLinkBroken         uint32 = 5
	TerminationCauseAuthExpired        uint32 = 6
	TerminationCauseUserMoved          uint32 = 7
	TerminationCauseSessionTimeout     uint32 = 8
)

// Values of Accounting-Record-Type.
const (
	AccountingRecordTypeEventRecord   uint32 = 1
	AccountingRecordTypeStartRecord   uint32 = 2
	AccountingRecordTypeInterimRecord uint32 = 3
	AccountingRecordTypeStopRecord    uint32 = 4
)

// Values of Accounting-Realtime-Required.
const (
	AccountingRealtimeRequiredDeliverAndGrant uint32 = 1
	AccountingRealtimeRequiredGrantAndStore   uint32 = 2
	AccountingRealtimeRequiredGrantAndLose    uint32 = 3
)

// Values of MIPv6-Feature-Vector.
const (
	MIPv6FeatureVectorHomeAgentRequested                     uint32 = 1
	MIPv6FeatureVectorMobileNodeHomeAddressRequested         uint32 = 2
	MIPv6FeatureVectorHomeAddressAllocatableOnlyInHomeDomain uint32 = 4
	MIPv6FeatureVectorHomeAgentInVisitedDomain               uint32 = 8
	MIPv6FeatureVectorVisitedHomeAgentAvailable              uint32 = 16
)

// Values of Key-Type.
const (
	KeyTypeMNHA uint32 = 1
	KeyTypeMNAR uint32 = 2
)

// Values of Key-Method.
const (
	KeyMethodRandomNumber  uint32 = 1
	KeyMethodDiffieHellman uint32 = 2
)

// Values of Key-Algorithm.
const (
	KeyAlgorithmAES256GCM16 uint32 = 1
)

var resultNames = []named{
	{1001, "DIAMETER_MULTI_ROUND_AUTH"},
	{2001, "DIAMETER_SUCCESS"},
	{2002, "DIAMETER_LIMITED_SUCCESS"},
	{3001, "DIAMETER_COMMAND_UNSUPPORTED"},
	{3002, "DIAMETER_UNABLE_TO_DELIVER"},
	{3003, "DIAMETER_REALM_NOT_SERVED"},
	{3004, "DIAMETER_TOO_BUSY"},
	{3005, "DIAMETER_LOOP_DETECTED"},
	{3006, "DIAMETER_REDIRECT_INDICATION"},
	{3007, "DIAMETER_APPLICATION_UNSUPPORTED"},
	{3008, "DIAMETER_INVALID_HDR_BITS"},
	{3009, "DIAMETER_INVALID_AVP_BITS"},
	{3010, "DIAMETER_UNKNOWN_PEER"},
	{4001, "DIAMETER_AUTHENTICATION_REJECTED"},
	{4002, "DIAMETER_OUT_OF_SPACE"},
	{4003, "DIAMETER_ELECTION_LOST"},
	{5001, "DIAMETER_AVP_UNSUPPORTED"},
	{5002, "DIAMETER_UNKNOWN_SESSION_ID"},
	{5003, "DIAMETER_AUTHORIZATION_REJECTED"},
	{5004, "DIAMETER_INVALID_AVP_VALUE"},
	{5005, "DIAMETER_MISSING_AVP"},
	{5006, "DIAMETER_RESOURCES_EXCEEDED"},
	{5007, "DIAMETER_CONTRADICTING_AVPS"},
	{5008, "DIAMETER_AVP_NOT_ALLOWED"},
	{5009, "DIAMETER_AVP_OCCURS_TOO_MANY_TIMES"},
	{5010, "DIAMETER_NO_COMMON_APPLICATION"},
	{5011, "DIAMETER_UNSUPPORTED_VERSION"},
	{5012, "DIAMETER_UNABLE_TO_COMPLY"},
	{5013, "DIAMETER_INVALID_BIT_IN_HEADER"},
	{5014, "DIAMETER_INVALID_AVP_LENGTH"},
	{5015, "DIAMETER_INVALID_MESSAGE_LENGTH"},
	{5016, "DIAMETER_INVALID_AVP_BIT_COMBO"},
	{5017, "DIAMETER_NO_COMMON_SECURITY"},
	{4900, "DIAMETER_ERROR_NO_HOME_AGENT"},
	{5900, "DIAMETER_ERROR_BAD_HOR"},
	{5901, "DIAMETER_ERROR_FEATURES_NOT_SUPPORTED"},
	{5902, "DIAMETER_ERROR_HOME_AGENT_NOT_ALLOWED"},
}

var appNames = []named{
	{0, "Base"},
	{3, "Base-Accounting"},
	{4294967295, "Relay"},
	{16809689, "Mobile-IPv6-AAA"},
}

// definitions begins with none: an index of 0 is an AVP that is not known.
var definitions = [...]Definition{
	{},
	{Name: "User-Name", Key: UserName, Type: UTF8String, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Class", Key: Class, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Session-Timeout", Key: SessionTimeout, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Proxy-State", Key: ProxyState, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Acct-Session-Id", Key: AcctSessionID, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Acct-Multi-Session-Id", Key: AcctMultiSessionID, Type: UTF8String, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Event-Timestamp", Key: EventTimestamp, Type: Time, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Acct-Interim-Interval", Key: AcctInterimInterval, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Host-IP-Address", Key: HostIPAddress, Type: Address, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Auth-Application-Id", Key: AuthApplicationID, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Acct-Application-Id", Key: AcctApplicationID, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Vendor-Specific-Application-Id", Key: VendorSpecificApplicationID, Type: Grouped, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Redirect-Host-Usage", Key: RedirectHostUsage, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{0, "DONT_CACHE"}, {1, "ALL_SESSION"}, {2, "ALL_REALM"}, {3, "REALM_AND_APPLICATION"}, {4, "ALL_APPLICATION"}, {5, "ALL_HOST"}, {6, "ALL_USER"}}},
	{Name: "Redirect-Max-Cache-Time", Key: RedirectMaxCacheTime, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Session-Id", Key: SessionID, Type: UTF8String, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Origin-Host", Key: OriginHost, Type: DiameterIdentity, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Supported-Vendor-Id", Key: SupportedVendorID, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Vendor-Id", Key: VendorID, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Firmware-Revision", Key: FirmwareRevision, Type: Unsigned32, Must: 0, MustNot: Mandatory, Secret: false, values: nil},
	{Name: "Result-Code", Key: ResultCodeAVP, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Product-Name", Key: ProductName, Type: UTF8String, Must: 0, MustNot: Mandatory, Secret: false, values: nil},
	{Name: "Session-Binding", Key: SessionBinding, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Session-Server-Failover", Key: SessionServerFailover, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{0, "REFUSE_SERVICE"}, {1, "TRY_AGAIN"}, {2, "ALLOW_SERVICE"}, {3, "TRY_AGAIN_ALLOW_SERVICE"}}},
	{Name: "Multi-Round-Time-Out", Key: MultiRoundTimeOut, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Disconnect-Cause", Key: DisconnectCause, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{0, "REBOOTING"}, {1, "BUSY"}, {2, "DO_NOT_WANT_TO_TALK_TO_YOU"}}},
	{Name: "Auth-Request-Type", Key: AuthRequestType, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{1, "AUTHENTICATE_ONLY"}, {2, "AUTHORIZE_ONLY"}, {3, "AUTHORIZE_AUTHENTICATE"}}},
	{Name: "Auth-Grace-Period", Key: AuthGracePeriod, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Auth-Session-State", Key: AuthSessionState, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{0, "STATE_MAINTAINED"}, {1, "NO_STATE_MAINTAINED"}}},
	{Name: "Origin-State-Id", Key: OriginStateID, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Failed-AVP", Key: FailedAVP, Type: Grouped, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Proxy-Host", Key: ProxyHost, Type: DiameterIdentity, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Error-Message", Key: ErrorMessage, Type: UTF8String, Must: 0, MustNot: Mandatory, Secret: false, values: nil},
	{Name: "Route-Record", Key: RouteRecord, Type: DiameterIdentity, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Destination-Realm", Key: DestinationRealm, Type: DiameterIdentity, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Proxy-Info", Key: ProxyInfo, Type: Grouped, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Re-Auth-Request-Type", Key: ReAuthRequestType, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{0, "AUTHORIZE_ONLY"}, {1, "AUTHORIZE_AUTHENTICATE"}}},
	{Name: "Accounting-Sub-Session-Id", Key: AccountingSubSessionID, Type: Unsigned64, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Authorization-Lifetime", Key: AuthorizationLifetime, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Redirect-Host", Key: RedirectHost, Type: DiameterURI, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Destination-Host", Key: DestinationHost, Type: DiameterIdentity, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Error-Reporting-Host", Key: ErrorReportingHost, Type: DiameterIdentity, Must: 0, MustNot: Mandatory, Secret: false, values: nil},
	{Name: "Termination-Cause", Key: TerminationCause, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{1, "LOGOUT"}, {2, "SERVICE_NOT_PROVIDED"}, {3, "BAD_ANSWER"}, {4, "ADMINISTRATIVE"}, {5, "LINK_BROKEN"}, {6, "AUTH_EXPIRED"}, {7, "USER_MOVED"}, {8, "SESSION_TIMEOUT"}}},
	{Name: "Origin-Realm", Key: OriginRealm, Type: DiameterIdentity, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Experimental-Result", Key: ExperimentalResult, Type: Grouped, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Experimental-Result-Code", Key: ExperimentalResultCode, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Inband-Security-Id", Key: InbandSecurityID, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Accounting-Record-Type", Key: AccountingRecordType, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{1, "EVENT_RECORD"}, {2, "START_RECORD"}, {3, "INTERIM_RECORD"}, {4, "STOP_RECORD"}}},
	{Name: "Accounting-Realtime-Required", Key: AccountingRealtimeRequired, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{1, "DELIVER_AND_GRANT"}, {2, "GRANT_AND_STORE"}, {3, "GRANT_AND_LOSE"}}},
	{Name: "Accounting-Record-Number", Key: AccountingRecordNumber, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Acct-Session-Time", Key: AcctSessionTime, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Accounting-Input-Octets", Key: AccountingInputOctets, Type: Unsigned64, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Accounting-Output-Octets", Key: AccountingOutputOctets, Type: Unsigned64, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Accounting-Input-Packets", Key: AccountingInputPackets, Type: Unsigned64, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Accounting-Output-Packets", Key: AccountingOutputPackets, Type: Unsigned64, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "EAP-Key-Name", Key: EAPKeyName, Type: OctetString, Must: 0, MustNot: 0, Secret: false, values: nil},
	{Name: "EAP-Payload", Key: EAPPayload, Type: OctetString, Must: 0, MustNot: 0, Secret: false, values: nil},
	{Name: "EAP-Reissued-Payload", Key: EAPReissuedPayload, Type: OctetString, Must: 0, MustNot: 0, Secret: false, values: nil},
	{Name: "EAP-Master-Session-Key", Key: EAPMasterSessionKey, Type: OctetString, Must: 0, MustNot: 0, Secret: true, values: nil},
	{Name: "Accounting-EAP-Auth-Method", Key: AccountingEAPAuthMethod, Type: Unsigned64, Must: 0, MustNot: 0, Secret: false, values: nil},
	{Name: "MIP-Binding-Update", Key: MIPBindingUpdate, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "MIP-Binding-Acknowledgement", Key: MIPBindingAcknowledgement, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "MIPv6-Mobile-Node-Address", Key: MIPv6MobileNodeAddress, Type: Address, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "MIPv6-Home-Agent-Address", Key: MIPv6HomeAgentAddress, Type: Address, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "MIPv6-Feature-Vector", Key: MIPv6FeatureVector, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{1, "Home-Agent-Requested"}, {2, "Mobile-Node-Home-Address-Requested"}, {4, "Home-Address-Allocatable-Only-in-Home-Domain"}, {8, "Home-Agent-in-Visited-Domain"}, {16, "Visited-Home-Agent-Available"}}},
	{Name: "Key-Request", Key: KeyRequest, Type: Grouped, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "MN-Key-Distribution", Key: MNKeyDistribution, Type: Grouped, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Key-Distribution", Key: KeyDistribution, Type: Grouped, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Key-Type", Key: KeyType, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{1, "MN_HA"}, {2, "MN_AR"}}},
	{Name: "Key-Method", Key: KeyMethod, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{1, "RANDOM_NUMBER"}, {2, "DIFFIE_HELLMAN"}}},
	{Name: "MN-SPI", Key: MNSPI, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Peer-SPI", Key: PeerSPI, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Key-Lifetime", Key: KeyLifetime, Type: Unsigned32, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Key-Algorithm", Key: KeyAlgorithm, Type: Enumerated, Must: Mandatory, MustNot: 0, Secret: false, values: []named{{1, "AES_256_GCM_16"}}},
	{Name: "Key-Random-Number", Key: KeyRandomNumber, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Key-Material", Key: KeyMaterial, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: true, values: nil},
	{Name: "DH-Public-Value", Key: DHPublicValue, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "DH-Authentication-Data", Key: DHAuthenticationData, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "MN-Authentication", Key: MNAuthentication, Type: Grouped, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Local-Challenge", Key: LocalChallenge, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Host-Challenge", Key: HostChallenge, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Visited-Network-Identifier", Key: VisitedNetworkIdentifier, Type: UTF8String, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "MN-Authentication-Data", Key: MNAuthenticationData, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Network-Authentication-Data", Key: NetworkAuthenticationData, Type: OctetString, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
	{Name: "Care-of-Address", Key: CareOfAddress, Type: Address, Must: Mandatory, MustNot: 0, Secret: false, values: nil},
}

var index = [...]uint16{
	1:   1,
	25:  2,
	27:  3,
	33:  4,
	44:  5,
	50:  6,
	55:  7,
	85:  8,
	257: 9,
	258: 10,
	259: 11,
	260: 12,
	261: 13,
	262: 14,
	263: 15,
	264: 16,
	265: 17,
	266: 18,
	267: 19,
	268: 20,
	269: 21,
	270: 22,
	271: 23,
	272: 24,
	273: 25,
	274: 26,
	276: 27,
	277: 28,
	278: 29,
	279: 30,
	280: 31,
	281: 32,
	282: 33,
	283: 34,
	284: 35,
	285: 36,
	287: 37,
	291: 38,
	292: 39,
	293: 40,
	294: 41,
	295: 42,
	296: 43,
	297: 44,
	298: 45,
	299: 46,
	480: 47,
	483: 48,
	485: 49,
	46:  50,
	363: 51,
	364: 52,
	365: 53,
	366: 54,
	102: 55,
	462: 56,
	463: 57,
	464: 58,
	465: 59,
}

var indexRoam6 = [...]uint16{
	1001: 60,
	1002: 61,
	1003: 62,
	1004: 63,
	1005: 64,
	1006: 65,
	1007: 66,
	1008: 67,
	1009: 68,
	1010: 69,
	1011: 70,
	1012: 71,
	1013: 72,
	1014: 73,
	1015: 74,
	1016: 75,
	1017: 76,
	1018: 77,
	1019: 78,
	1020: 79,
	1021: 80,
	1022: 81,
	1023: 82,
	1024: 83,
	1025: 84,
}

// groups are the grammars of grouped AVPs, by the index of the AVP.
var groups = [...][]rule{
	12: []rule{{18, 1, 1, false}, {10, 0, 1, false}, {11, 0, 1, false}},
	30: []rule{{0, 1, 0, false}},
	35: []rule{{31, 1, 1, false}, {4, 1, 1, false}, {0, 0, 0, false}},
	44: []rule{{18, 1, 1, false}, {45, 1, 1, false}},
	65: []rule{{68, 1, 1, false}, {69, 1, 1, false}, {70, 1, 1, false}, {76, 0, 1, false}, {0, 0, 0, false}},
	66: []rule{{68, 1, 1, false}, {69, 1, 1, false}, {70, 1, 1, false}, {71, 1, 1, false}, {72, 1, 1, false}, {73, 1, 1, false}, {74, 0, 1, false}, {76, 0, 1, false}, {77, 0, 1, false}, {0, 0, 0, false}},
	67: []rule{{68, 1, 1, false}, {69, 1, 1, false}, {70, 0, 1, false}, {71, 0, 1, false}, {72, 0, 1, false}, {73, 0, 1, false}, {75, 0, 1, false}, {76, 0, 1, false}, {0, 0, 0, false}},
	78: []rule{{79, 1, 1, false}, {80, 0, 1, false}, {81, 1, 1, false}, {82, 1, 1, false}, {0, 0, 0, false}},
}

var commands = [...]command{
	{name: "Capabilities-Exchange", code: 257, app: 0, proxiable: false,
		request: []rule{{16, 1, 1, false}, {43, 1, 1, false}, {9, 1, 0, false}, {18, 1, 1, false}, {21, 1, 1, false}, {29, 0, 1, false}, {17, 0, 0, false}, {10, 0, 0, false}, {46, 0, 0, false}, {11, 0, 0, false}, {12, 0, 0, false}, {19, 0, 1, false}, {0, 0, 0, false}},
		answer:  []rule{{20, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {9, 1, 0, false}, {18, 1, 1, false}, {21, 1, 1, false}, {29, 0, 1, false}, {32, 0, 1, false}, {30, 0, 1, false}, {17, 0, 0, false}, {10, 0, 0, false}, {46, 0, 0, false}, {11, 0, 0, false}, {12, 0, 0, false}, {19, 0, 1, false}, {0, 0, 0, false}}},
	{name: "Disconnect-Peer", code: 282, app: 0, proxiable: false,
		request: []rule{{16, 1, 1, false}, {43, 1, 1, false}, {25, 1, 1, false}, {0, 0, 0, false}},
		answer:  []rule{{20, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {32, 0, 1, false}, {30, 0, 1, false}, {0, 0, 0, false}}},
	{name: "Device-Watchdog", code: 280, app: 0, proxiable: false,
		request: []rule{{16, 1, 1, false}, {43, 1, 1, false}, {29, 0, 1, false}, {0, 0, 0, false}},
		answer:  []rule{{20, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {32, 0, 1, false}, {30, 0, 1, false}, {29, 0, 1, false}, {0, 0, 0, false}}},
	{name: "Re-Auth", code: 258, app: 0, proxiable: true,
		request: []rule{{15, 1, 1, true}, {16, 1, 1, false}, {43, 1, 1, false}, {34, 1, 1, false}, {40, 1, 1, false}, {10, 1, 1, false}, {36, 1, 1, false}, {1, 0, 1, false}, {29, 0, 1, false}, {35, 0, 0, false}, {33, 0, 0, false}, {0, 0, 0, false}},
		answer:  []rule{{15, 1, 1, true}, {20, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {1, 0, 1, false}, {29, 0, 1, false}, {32, 0, 1, false}, {41, 0, 1, false}, {30, 0, 1, false}, {39, 0, 0, false}, {13, 0, 1, false}, {14, 0, 1, false}, {35, 0, 0, false}, {0, 0, 0, false}}},
	{name: "Session-Termination", code: 275, app: 0, proxiable: true,
		request: []rule{{15, 1, 1, true}, {16, 1, 1, false}, {43, 1, 1, false}, {34, 1, 1, false}, {10, 1, 1, false}, {42, 1, 1, false}, {1, 0, 1, false}, {40, 0, 1, false}, {2, 0, 0, false}, {29, 0, 1, false}, {35, 0, 0, false}, {33, 0, 0, false}, {0, 0, 0, false}},
		answer:  []rule{{15, 1, 1, true}, {20, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {1, 0, 1, false}, {2, 0, 0, false}, {32, 0, 1, false}, {41, 0, 1, false}, {30, 0, 1, false}, {29, 0, 1, false}, {39, 0, 0, false}, {13, 0, 1, false}, {14, 0, 1, false}, {35, 0, 0, false}, {0, 0, 0, false}}},
	{name: "Abort-Session", code: 274, app: 0, proxiable: true,
		request: []rule{{15, 1, 1, true}, {16, 1, 1, false}, {43, 1, 1, false}, {34, 1, 1, false}, {40, 1, 1, false}, {10, 1, 1, false}, {1, 0, 1, false}, {29, 0, 1, false}, {35, 0, 0, false}, {33, 0, 0, false}, {0, 0, 0, false}},
		answer:  []rule{{15, 1, 1, true}, {20, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {1, 0, 1, false}, {29, 0, 1, false}, {32, 0, 1, false}, {41, 0, 1, false}, {30, 0, 1, false}, {39, 0, 0, false}, {13, 0, 1, false}, {14, 0, 1, false}, {35, 0, 0, false}, {0, 0, 0, false}}},
	{name: "Accounting", code: 271, app: 3, proxiable: true,
		request: []rule{{15, 1, 1, true}, {16, 1, 1, false}, {43, 1, 1, false}, {34, 1, 1, false}, {47, 1, 1, false}, {49, 1, 1, false}, {11, 0, 1, false}, {12, 0, 1, false}, {1, 0, 1, false}, {40, 0, 1, false}, {37, 0, 1, false}, {5, 0, 1, false}, {6, 0, 1, false}, {8, 0, 1, false}, {48, 0, 1, false}, {29, 0, 1, false}, {7, 0, 1, false}, {35, 0, 0, false}, {33, 0, 0, false}, {0, 0, 0, false}},
		answer:  []rule{{15, 1, 1, true}, {20, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {47, 1, 1, false}, {49, 1, 1, false}, {11, 0, 1, false}, {12, 0, 1, false}, {1, 0, 1, false}, {37, 0, 1, false}, {5, 0, 1, false}, {6, 0, 1, false}, {32, 0, 1, false}, {41, 0, 1, false}, {30, 0, 1, false}, {8, 0, 1, false}, {48, 0, 1, false}, {29, 0, 1, false}, {7, 0, 1, false}, {35, 0, 0, false}, {0, 0, 0, false}}},
	{name: "AA-Registration", code: 16777214, app: 16809689, proxiable: true,
		request: []rule{{15, 1, 1, true}, {10, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {34, 1, 1, false}, {40, 0, 1, false}, {1, 0, 1, false}, {28, 0, 1, false}, {84, 0, 1, false}, {78, 0, 1, false}, {56, 0, 1, false}, {64, 0, 1, false}, {60, 0, 1, false}, {62, 0, 1, false}, {63, 0, 1, false}, {65, 0, 0, false}, {67, 0, 0, false}, {29, 0, 1, false}, {35, 0, 0, false}, {33, 0, 0, false}, {0, 0, 0, false}},
		answer:  []rule{{15, 1, 1, true}, {10, 1, 1, false}, {20, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {1, 0, 1, false}, {28, 0, 1, false}, {38, 0, 1, false}, {27, 0, 1, false}, {3, 0, 1, false}, {24, 0, 1, false}, {83, 0, 1, false}, {56, 0, 1, false}, {57, 0, 1, false}, {58, 0, 1, false}, {55, 0, 1, false}, {64, 0, 1, false}, {61, 0, 1, false}, {62, 0, 1, false}, {63, 0, 1, false}, {66, 0, 0, false}, {67, 0, 0, false}, {2, 0, 0, false}, {8, 0, 1, false}, {32, 0, 1, false}, {41, 0, 1, false}, {30, 0, 1, false}, {29, 0, 1, false}, {39, 0, 0, false}, {13, 0, 1, false}, {14, 0, 1, false}, {35, 0, 0, false}, {0, 0, 0, false}}},
	{name: "Home-Agent-MIPv6", code: 16777215, app: 16809689, proxiable: true,
		request: []rule{{15, 1, 1, true}, {10, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {34, 1, 1, false}, {40, 0, 1, false}, {1, 0, 1, false}, {28, 0, 1, false}, {38, 0, 1, false}, {84, 0, 1, false}, {64, 0, 1, false}, {60, 0, 1, false}, {62, 0, 1, false}, {63, 0, 1, false}, {65, 0, 0, false}, {67, 0, 0, false}, {29, 0, 1, false}, {35, 0, 0, false}, {33, 0, 0, false}, {0, 0, 0, false}},
		answer:  []rule{{15, 1, 1, true}, {10, 1, 1, false}, {20, 1, 1, false}, {16, 1, 1, false}, {43, 1, 1, false}, {1, 0, 1, false}, {28, 0, 1, false}, {61, 0, 1, false}, {62, 0, 1, false}, {63, 0, 1, false}, {66, 0, 0, false}, {67, 0, 0, false}, {32, 0, 1, false}, {41, 0, 1, false}, {30, 0, 1, false}, {29, 0, 1, false}, {39, 0, 0, false}, {13, 0, 1, false}, {14, 0, 1, false}, {35, 0, 0, false}, {0, 0, 0, false}}},
}
