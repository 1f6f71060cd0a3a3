package krb5

import (
	"fmt"
	"strings"
)

// Port is that of Kerberos, UDP and TCP, RFC 4120 §7.2.
const Port = 88

// Version is pvno, tkt-vno and authenticator-vno.
const Version = 5

// Kind is the msg-type of a message, which is its application tag as well, RFC 4120 §7.5.7.
type Kind uint8

// The messages, and what is encrypted in them. KRB-TKT-PUSH is of draft-ietf-cat-iakerb-09 §7.
const (
	KindTicket        Kind = 1
	KindAuthenticator Kind = 2
	KindEncTicketPart Kind = 3
	KindASReq         Kind = 10
	KindASRep         Kind = 11
	KindTGSReq        Kind = 12
	KindTGSRep        Kind = 13
	KindAPReq         Kind = 14
	KindAPRep         Kind = 15
	KindTicketPush    Kind = 17
	KindSafe          Kind = 20 // known by name only
	KindPriv          Kind = 21 // known by name only
	KindCred          Kind = 22 // known by name only
	KindEncASRepPart  Kind = 25
	KindEncTGSRepPart Kind = 26
	KindEncAPRepPart  Kind = 27
	KindError         Kind = 30
)

var kindNames = map[Kind]string{
	KindTicket: "Ticket", KindAuthenticator: "Authenticator", KindEncTicketPart: "EncTicketPart", KindASReq: "AS-REQ", KindASRep: "AS-REP",
	KindTGSReq: "TGS-REQ", KindTGSRep: "TGS-REP", KindAPReq: "AP-REQ", KindAPRep: "AP-REP", KindTicketPush: "KRB-TKT-PUSH", KindSafe: "KRB-SAFE",
	KindPriv: "KRB-PRIV", KindCred: "KRB-CRED", KindEncASRepPart: "EncASRepPart", KindEncTGSRepPart: "EncTGSRepPart", KindEncAPRepPart: "EncAPRepPart",
	KindError: "KRB-ERROR",
}

// String is the name of the RFC, or the number.
func (k Kind) String() string {
	if n := kindNames[k]; n != "" {
		return n
	}
	return fmt.Sprintf("message %d", uint8(k))
}

// KindOf says by its first octet what a message is; 0 if it is none of Kerberos.
func KindOf(b []byte) Kind {
	if len(b) == 0 || b[0]&0xe0 != 0x60 {
		return 0
	}
	return Kind(b[0] & 0x1f)
}

// TicketFlags are of a ticket, RFC 4120 §5.3.
type TicketFlags uint32

// The flags.
const (
	Forwardable            TicketFlags = 1 << (31 - 1)
	Forwarded              TicketFlags = 1 << (31 - 2)
	Proxiable              TicketFlags = 1 << (31 - 3)
	Proxy                  TicketFlags = 1 << (31 - 4)
	MayPostdate            TicketFlags = 1 << (31 - 5)
	Postdated              TicketFlags = 1 << (31 - 6)
	Invalid                TicketFlags = 1 << (31 - 7)
	Renewable              TicketFlags = 1 << (31 - 8)
	Initial                TicketFlags = 1 << (31 - 9)
	PreAuthent             TicketFlags = 1 << (31 - 10)
	HWAuthent              TicketFlags = 1 << (31 - 11)
	TransitedPolicyChecked TicketFlags = 1 << (31 - 12)
	OkAsDelegate           TicketFlags = 1 << (31 - 13)
	EncPARep               TicketFlags = 1 << (31 - 15) // RFC 6806 §11
)

// KDCOptions are of a request, RFC 4120 §5.4.1.
type KDCOptions uint32

// The options.
const (
	OptForwardable           KDCOptions = 1 << (31 - 1)
	OptForwarded             KDCOptions = 1 << (31 - 2)
	OptProxiable             KDCOptions = 1 << (31 - 3)
	OptProxy                 KDCOptions = 1 << (31 - 4)
	OptAllowPostdate         KDCOptions = 1 << (31 - 5)
	OptPostdated             KDCOptions = 1 << (31 - 6)
	OptRenewable             KDCOptions = 1 << (31 - 8)
	OptCanonicalize          KDCOptions = 1 << (31 - 15) // RFC 6806 §3
	OptRequestAnonymous      KDCOptions = 1 << (31 - 16) // RFC 8062 §3
	OptDisableTransitedCheck KDCOptions = 1 << (31 - 26)
	OptRenewableOK           KDCOptions = 1 << (31 - 27)
	OptEncTktInSkey          KDCOptions = 1 << (31 - 28)
	OptRenew                 KDCOptions = 1 << (31 - 30)
	OptValidate              KDCOptions = 1 << 0
)

// APOptions are of an AP-REQ, RFC 4120 §5.5.1.
type APOptions uint32

// The options.
const (
	UseSessionKey  APOptions = 1 << (31 - 1) // the ticket is sealed in the session key of the server's TGT
	MutualRequired APOptions = 1 << (31 - 2)
)

var ticketFlagNames = [32]string{1: "forwardable", "forwarded", "proxiable", "proxy", "may-postdate", "postdated", "invalid", "renewable", "initial",
	"pre-authent", "hw-authent", "transited-policy-checked", "ok-as-delegate", 15: "enc-pa-rep"}

var kdcOptionNames = [32]string{1: "forwardable", "forwarded", "proxiable", "proxy", "allow-postdate", "postdated", 8: "renewable", 15: "canonicalize", "request-anonymous",
	26: "disable-transited-check", "renewable-ok", "enc-tkt-in-skey", 30: "renew", "validate"}

var apOptionNames = [32]string{1: "use-session-key", "mutual-required"}

func flagNames(v uint32, names *[32]string) string {
	var on []string
	for i, n := range names {
		if v&(1<<(31-i)) == 0 {
			continue
		}
		if n == "" {
			n = fmt.Sprintf("bit %d", i)
		}
		on = append(on, n)
	}
	if on == nil {
		return "none"
	}
	return strings.Join(on, ", ")
}

// String names the flags that are set.
func (f TicketFlags) String() string { return flagNames(uint32(f), &ticketFlagNames) }

// String names the options that are set.
func (f KDCOptions) String() string { return flagNames(uint32(f), &kdcOptionNames) }

// String names the options that are set.
func (f APOptions) String() string { return flagNames(uint32(f), &apOptionNames) }

// Types of padata, RFC 4120 §7.5.2, RFC 4556, RFC 6113, RFC 6806.
const (
	PATGSReq             = 1
	PAEncTimestamp       = 2
	PAPWSalt             = 3
	PAETypeInfo          = 11
	PAPKASReq            = 16
	PAPKASRep            = 17
	PAETypeInfo2         = 19
	PAAPReq              = 25 // draft-ietf-cat-iakerb-09 §7: the AP-REQ to the client in an AS-REP; IANA has PA-SERVER-REFERRAL, which no one sends
	PAPACRequest         = 128
	PAFXCookie           = 133
	PAFXFast             = 136
	PAFXError            = 137
	PAEncryptedChallenge = 138
	PAPKINITKX           = 147 // RFC 6112 §3
	PAReqEncPARep        = 149 // RFC 6806 §11
	PAASFreshness        = 150 // RFC 8070
	PASPAKE              = 151
)

// Types of the typed data in an error, RFC 4556 §3.1.3.
const (
	TDTrustedCertifiers = 104
	TDDHParameters      = 109
)

// Types of authorization data, RFC 4120 §7.5.4.
const (
	ADIfRelevant         = 1
	ADKDCIssued          = 4
	ADAndOr              = 5
	ADMandatoryForKDC    = 8
	ADInitialVerifiedCAs = 9
	ADWin2KPAC           = 128
)

// Numbers that nobody assigned: negative ones are for local use (RFC 4120 §1.5.2, §5.2.6, §5.2.7). Here is the one place where they stand.
const (
	PALWKRB               = -3247 // asks for a lightweight ticket; in the encrypted padata of the reply, that ticket
	ADMobileIPAttributes  = -3247 // AD-MOBILEIP-ATTRIBUTES of draft-blair-rt-mobileipv6-seamoby-00 §B.5
	TEMobileIPAttributes  = -3247 // TE-MOBILEIP-ATTRIBUTES; the draft has 9, of a registry that went away with ticket extensions
	transitedX500Compress = 1     // DOMAIN-X500-COMPRESS, RFC 4120 §7.5.8
	transitedNone         = 0
	lastReqNone           = 0 // RFC 4120 §5.4.2: no information
	armorAPRequest        = 1 // FX_FAST_ARMOR_AP_REQUEST, RFC 6113 §5.4.1.1
	gssTokenIAKERBProxy   = 0x0501
	gssTokenAPReq         = 0x0100
	gssTokenAPRep         = 0x0200
	gssTokenError         = 0x0300
	gssTokenKDCReq        = 0x0003 // draft-ietf-cat-iakerb-09 §5
	gssTokenKDCRep        = 0x0103
	gssTokenTicketPush    = 0x0203
)

// padataNames are for people.
var padataNames = map[int32]string{
	PATGSReq: "PA-TGS-REQ", PAEncTimestamp: "PA-ENC-TIMESTAMP", PAPWSalt: "PA-PW-SALT", PAETypeInfo: "PA-ETYPE-INFO", PAPKASReq: "PA-PK-AS-REQ",
	PAPKASRep: "PA-PK-AS-REP", PAETypeInfo2: "PA-ETYPE-INFO2", PAAPReq: "PA-AP-REQ", PAPACRequest: "PA-PAC-REQUEST", PAFXCookie: "PA-FX-COOKIE",
	PAFXFast: "PA-FX-FAST", PAFXError: "PA-FX-ERROR", PAEncryptedChallenge: "PA-ENCRYPTED-CHALLENGE", PAPKINITKX: "PA-PKINIT-KX", PAReqEncPARep: "PA-REQ-ENC-PA-REP",
	PAASFreshness: "PA-AS-FRESHNESS", PASPAKE: "PA-SPAKE", PALWKRB: "PA-LWKRB",
}

// PAName is the name of a type of padata, "" if it has none here.
func PAName(t int32) string { return padataNames[t] }

var etypeNames = map[int32]string{
	1: "des-cbc-crc", 3: "des-cbc-md5", 16: "des3-cbc-sha1", 17: "aes128-cts-hmac-sha1-96", 18: "aes256-cts-hmac-sha1-96", 19: "aes128-cts-hmac-sha256-128",
	20: "aes256-cts-hmac-sha384-192", 23: "rc4-hmac", 24: "rc4-hmac-exp", 25: "camellia128-cts-cmac", 26: "camellia256-cts-cmac",
}

// ETypeName is the name of an encryption type, "" if it has none here.
func ETypeName(t int32) string { return etypeNames[t] }
