package lwkrb

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of names, in octets and in realms.
const (
	MinPrincipal  = 3   // a@A
	MaxPrincipal  = 255 // what a length of one octet can say
	MaxRealm      = 253 // a domain name
	MaxComponents = 4   // of a principal's name
	MaxRealms     = 8   // in one list: longer paths of trust are nobody's
)

// Principal is a name and a realm in the one form that is on the wire: "mobileip/ar1.a.example@A.EXAMPLE". A name of Kerberos V5 with "/", "@"
// or "\" inside a component has no such form, so its owner gets no lightweight tickets. Principals are compared octet by octet
// (RFC 4120 §6); the type of a name (§6.2) means nothing here.
type Principal string

// MakePrincipal joins the components of a name and a realm. The result has to be asked whether it is Valid.
func MakePrincipal(realm string, components ...string) Principal {
	return Principal(strings.Join(components, "/") + "@" + realm)
}

// Valid says whether a principal has 1 to MaxComponents components and a realm, none of them empty, of UTF-8 without spaces, control
// characters and "\".
func (p Principal) Valid() bool {
	s := string(p)
	if len(s) > MaxPrincipal {
		return false
	}
	at, from, slashes, plain := -1, 0, 0, true // from: where the component begins
	for i := 0; i < len(s) && at < 0; i++ {
		switch class[s[i]] {
		case usual:
		case wide:
			plain = false
		case slash, atSign:
			if i == from {
				return false
			}
			if from = i + 1; s[i] == '@' {
				at = i
			} else {
				slashes++
			}
		default:
			return false
		}
	}
	return at > 0 && slashes < MaxComponents && (plain || readable(s[:at])) && ValidRealm(s[at+1:])
}

// ValidRealm says whether a realm can be written.
func ValidRealm(s string) bool {
	plain := true
	for i := range len(s) {
		switch class[s[i]] {
		case usual:
		case wide:
			plain = false
		default:
			return false
		}
	}
	return s != "" && len(s) <= MaxRealm && (plain || readable(s))
}

// Classes of octets in names: nearly all names are ASCII, and looked at often.
const (
	usual = iota
	never
	slash
	atSign
	wide
)

var class = func() (c [256]uint8) {
	for i := range c {
		switch {
		case i <= ' ' || i == '\\' || i == 0x7f:
			c[i] = never
		case i >= utf8.RuneSelf:
			c[i] = wide
		}
	}
	c['/'], c['@'] = slash, atSign
	return c
}()

// readable judges what is not ASCII alone.
func readable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

// Name is what stands before the realm.
func (p Principal) Name() string {
	name, _, _ := strings.Cut(string(p), "@")
	return name
}

// Realm is what stands behind the @.
func (p Principal) Realm() string {
	_, realm, _ := strings.Cut(string(p), "@")
	return realm
}

// The services that are spoken of: the first component of a principal with two.
const (
	ServiceKDC    = "krbtgt"   // RFC 4120 §7.3
	ServiceRouter = "mobileip" // draft-blair-rt-mobileipv6-seamoby-00 appendix B.2
	shared        = "access"   // the instance that the routers of a domain share
)

// service splits "krbtgt/A" into its two components.
func (p Principal) service() (service, instance string) {
	name := p.Name()
	service, instance, ok := strings.Cut(name, "/")
	if !ok || strings.Contains(instance, "/") {
		return "", ""
	}
	return service, instance
}

// KDCOf is the realm whose KDC has the key of a ticket-granting principal, "B" of krbtgt/B@A. Others have none.
func (p Principal) KDCOf() (realm string, ok bool) {
	service, instance := p.service()
	return instance, service == ServiceKDC
}

// Router says whether a principal is an access router's: its service is mobileip.
//
// spec RT-39
func (p Principal) Router() bool {
	service, instance := p.service()
	return service == ServiceRouter && instance != ""
}

// Shared is the principal whose key the routers of one domain share: mobileip/access.a.example@A.EXAMPLE of mobileip/ar1.a.example@A.EXAMPLE. A
// name without a dot has none.
func (p Principal) Shared() (Principal, bool) {
	service, instance := p.service()
	_, domain, ok := strings.Cut(instance, ".")
	if service != ServiceRouter || !ok || domain == "" {
		return "", false
	}
	return MakePrincipal(p.Realm(), ServiceRouter, shared+"."+domain), true
}

// Case says who opens a ticket: draft-koodli-mobileip-fastv6-02 §3. The lower, the faster. 0: nobody there can.
type Case uint8

// The cases.
const (
	CaseNone   Case = 0
	CaseRouter Case = 1 // the access router itself
	CaseLocal  Case = 2 // the KDC of its realm
	CaseFar    Case = 3 // a KDC of another realm, the user's in the end
)

// CaseOf says which case a ticket that a principal's key seals is at an access router. A mobile node takes the lowest it has.
//
// spec FH-13, FH-14, FH-15
func CaseOf(sealer, router Principal) Case {
	if !router.Router() {
		return CaseNone
	}
	if common, ok := router.Shared(); sealer == router || ok && sealer == common {
		return CaseRouter
	}
	realm, ok := sealer.KDCOf()
	switch {
	case !ok:
		return CaseNone
	case realm == router.Realm():
		return CaseLocal
	}
	return CaseFar
}

// KeyName says under which of a principal's keys something is sealed.
type KeyName struct {
	Principal Principal
	KVNO      uint32 // RFC 4120 §5.2.9
	EType     uint8  // of the key, one that is Known
}

// Known says whether keys of an encryption type are taken: 17 and 18 of RFC 3962, 19 and 20 of RFC 8009.
func Known(etype uint8) bool { return etype >= 17 && etype <= 20 }

// Len is the octets of the name as it stands in messages.
func (k KeyName) Len() int { return 1 + len(k.Principal) + 5 }

// Append writes the name as it stands in messages.
func (k KeyName) Append(b []byte) []byte {
	b = appendCounted(b, k.Principal)
	return append(binary.BigEndian.AppendUint32(b, k.KVNO), k.EType)
}
