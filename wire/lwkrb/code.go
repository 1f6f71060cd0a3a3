package lwkrb

import "fmt"

// Code says why something is refused. The numbers are those of Kerberos (RFC 4120 §7.5.9; 85 and 86 as IAKERB has them), so that one table
// serves both. It is an error.
type Code uint16

// The codes.
const (
	None          Code = 0
	UnknownRouter Code = 7  // KDC_ERR_S_PRINCIPAL_UNKNOWN
	Policy        Code = 12 // KDC_ERR_POLICY
	Revoked       Code = 18 // KDC_ERR_CLIENT_REVOKED
	BadPath       Code = 28 // KDC_ERR_PATH_NOT_ACCEPTED
	Unavailable   Code = 29 // KDC_ERR_SVC_UNAVAILABLE
	BadIntegrity  Code = 31 // KRB_AP_ERR_BAD_INTEGRITY
	Expired       Code = 32 // KRB_AP_ERR_TKT_EXPIRED
	NotYetValid   Code = 33 // KRB_AP_ERR_TKT_NYV
	Repeat        Code = 34 // KRB_AP_ERR_REPEAT
	NotUs         Code = 35 // KRB_AP_ERR_NOT_US
	BadMatch      Code = 36 // KRB_AP_ERR_BADMATCH
	Skew          Code = 37 // KRB_AP_ERR_SKEW
	BadAddress    Code = 38 // KRB_AP_ERR_BADADDR
	BadVersion    Code = 39 // KRB_AP_ERR_BADVERSION
	BadType       Code = 40 // KRB_AP_ERR_MSG_TYPE
	BadKeyVersion Code = 44 // KRB_AP_ERR_BADKEYVER
	NoKey         Code = 45 // KRB_AP_ERR_NOKEY
	Generic       Code = 60 // KRB_ERR_GENERIC
	WrongRealm    Code = 68 // KDC_ERR_WRONG_REALM
	NoKDC         Code = 85 // KRB_AP_ERR_IAKERB_KDC_NOT_FOUND
	SilentKDC     Code = 86 // KRB_AP_ERR_IAKERB_KDC_NO_RESPONSE
)

var codes = map[Code]string{
	UnknownRouter: "the KDC does not know this access router",
	Policy:        "not allowed",
	Revoked:       "the subscriber is disabled",
	BadPath:       "the realms passed are not trusted",
	Unavailable:   "too busy",
	BadIntegrity:  "does not open: another key, or altered",
	Expired:       "ticket expired",
	NotYetValid:   "ticket not yet valid",
	Repeat:        "seen before",
	NotUs:         "for another access router",
	BadMatch:      "asked for by another access router than it is for",
	Skew:          "clocks differ too much",
	BadAddress:    "for another address",
	BadVersion:    "unknown version",
	BadType:       "unknown message",
	BadKeyVersion: "key version unknown",
	NoKey:         "no such key",
	Generic:       "refused",
	WrongRealm:    "wrong realm",
	NoKDC:         "no KDC known for the realm",
	SilentKDC:     "the KDC does not answer",
}

// String is the reason in words, or the number.
func (c Code) String() string {
	if s, ok := codes[c]; ok {
		return s
	}
	if c == None {
		return "no error"
	}
	return fmt.Sprintf("error %d", uint16(c))
}

// Error makes a Code an error: "lwkrb: ticket expired (32)".
func (c Code) Error() string { return fmt.Sprintf("lwkrb: %v (%d)", c.String(), uint16(c)) }
