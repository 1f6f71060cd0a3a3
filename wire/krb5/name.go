package krb5

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"roam6/wire"
)

// NameType is what a name is meant to be, RFC 4120 §6.2. Names are the same whatever their types are.
type NameType int32

// The types.
const (
	NTUnknown    NameType = 0
	NTPrincipal  NameType = 1  // a user
	NTSrvInst    NameType = 2  // service and instance: krbtgt/REALM, mobileip/DOMAIN
	NTSrvHst     NameType = 3  // service and host
	NTEnterprise NameType = 10 // RFC 6806 §5: a name as of e-mail, in one component
	NTWellKnown  NameType = 11 // RFC 6111
)

// Services, the first components of names.
const (
	TGSService      = "krbtgt"   // RFC 4120 §6.2: krbtgt/REALM
	MobileIPService = "mobileip" // draft-blair-rt-mobileipv6-seamoby-00 §B.2: the access routers
)

// Name is a PrincipalName: its components, krbtgt and HOME.EXAMPLE.
type Name struct {
	Type  NameType
	Parts []string
}

// MakeName is a name of components: a user has one, a service two.
func MakeName(parts ...string) Name {
	n := Name{NTPrincipal, parts}
	if len(parts) > 1 {
		n.Type = NTSrvInst
	}
	return n
}

// TGS is the name of the ticket-granting service for a realm.
func TGS(realm string) Name { return MakeName(TGSService, realm) }

// IsZero says whether there is no name.
func (n Name) IsZero() bool { return len(n.Parts) == 0 }

// Equal compares components.
func (n Name) Equal(o Name) bool { return slices.Equal(n.Parts, o.Parts) }

// Service is the first of at least two components.
func (n Name) Service() string {
	if len(n.Parts) < 2 {
		return ""
	}
	return n.Parts[0]
}

// TGSRealm is the realm for which the name grants tickets; "" if it is no such service.
func (n Name) TGSRealm() string {
	if len(n.Parts) != 2 || n.Parts[0] != TGSService {
		return ""
	}
	return n.Parts[1]
}

var quoting = strings.NewReplacer(`\`, `\\`, `/`, `\/`, `@`, `\@`, "\n", `\n`, "\t", `\t`, "\b", `\b`)

// bare says whether texts have nothing to be quoted, as nearly all: a KDC has several names of each request as text.
func bare(list ...string) bool {
	for _, s := range list {
		for i := range len(s) {
			switch s[i] {
			case '\\', '/', '@', '\n', '\t', '\b':
				return false
			}
		}
	}
	return true
}

// String is the name as MIT Kerberos prints it: components with / between them, and \ before a /, @ or \ in them. Different names have
// different strings.
func (n Name) String() string {
	if bare(n.Parts...) {
		return strings.Join(n.Parts, "/")
	}
	var sb strings.Builder
	for i, p := range n.Parts {
		if i > 0 {
			sb.WriteByte('/')
		}
		quoting.WriteString(&sb, p)
	}
	return sb.String()
}

// Salt is the default salt of string-to-key: realm and components in a row (RFC 4120 §4).
func (p Principal) Salt() string { return p.Realm + strings.Join(p.Name.Parts, "") }

// Principal is a name in a realm.
type Principal struct {
	Name  Name
	Realm string
}

// IsZero says whether there is no principal.
func (p Principal) IsZero() bool { return p.Name.IsZero() && p.Realm == "" }

// Equal compares components and realm.
func (p Principal) Equal(o Principal) bool { return p.Realm == o.Realm && p.Name.Equal(o.Name) }

// String is krbtgt/HOME.EXAMPLE@HOME.EXAMPLE. Different principals have different strings.
func (p Principal) String() string {
	if len(p.Name.Parts) == 2 && bare(p.Name.Parts...) && bare(p.Realm) {
		return p.Name.Parts[0] + "/" + p.Name.Parts[1] + "@" + p.Realm
	}
	realm := p.Realm
	if !bare(realm) {
		realm = quoting.Replace(realm)
	}
	return p.Name.String() + "@" + realm
}

var errPrincipal = errors.New("use name@REALM or service/instance@REALM, with \\ before a /, @ or \\ that belongs to a name")

// ParsePrincipal reads what String gives.
func ParsePrincipal(s string) (Principal, error) {
	var p Principal
	part, inRealm := []byte{}, false
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) && inRealm:
			p.Realm = string(part)
		case i == len(s):
			return Principal{}, fmt.Errorf("krb5: principal %q has no realm: %w", s, errPrincipal)
		case s[i] == 0:
			return Principal{}, fmt.Errorf("krb5: principal %q: %w", s, errPrincipal)
		case s[i] == '\\':
			if i++; i == len(s) || s[i] == 0 {
				return Principal{}, fmt.Errorf("krb5: principal %q has a \\ that quotes nothing: %w", s, errPrincipal)
			}
			c := s[i]
			if at := strings.IndexByte("ntb", c); at >= 0 {
				c = "\n\t\b"[at]
			}
			part = append(part, c)
		case s[i] == '/' && !inRealm, s[i] == '@' && !inRealm:
			p.Name.Parts = append(p.Name.Parts, string(part))
			part, inRealm = part[:0], s[i] == '@'
		case s[i] == '@':
			return Principal{}, fmt.Errorf("krb5: principal %q has two @: %w", s, errPrincipal)
		default:
			part = append(part, s[i])
		}
	}
	p.Name = MakeName(p.Name.Parts...)
	switch n := len(p.Name.Parts); {
	case p.Realm == "", n == 1 && p.Name.Parts[0] == "":
		return Principal{}, fmt.Errorf("krb5: principal %q: %w", s, errPrincipal)
	case n > MaxComponents || len(s) > MaxString:
		return Principal{}, fmt.Errorf("krb5: principal of %d components and %d octets; at most %d and %d", n, len(s), MaxComponents, MaxString)
	}
	return p, nil
}

// name reads the field [n] as a PrincipalName of at least one component.
func (r *reader) name(s *cryptobyte.String, field string, n uint8) Name {
	c := r.field(s, field, n)
	seq := r.whole(c, field)
	v := Name{Type: NameType(r.number(&seq, "name-type", 0))}
	list := r.field(&seq, "name-string", 1)
	r.later(seq, field, 1)
	list = r.whole(list, "name-string")
	if r.err != nil {
		return Name{}
	}
	parts, all := 0, 0
	for rest := list; len(rest) > 0; parts++ {
		at := rest
		p := r.take(&rest, "name-string", asn1.GeneralString)
		r.readable(p, "name-string")
		if parts == MaxComponents {
			r.fail("name-string", at, wire.ErrLimit)
		}
		if r.err != nil {
			return Name{}
		}
		all += len(p)
	}
	if parts == 0 {
		r.fail("name-string", list, wire.ErrValue)
		return Name{}
	}
	v.Parts = make([]string, 0, parts)
	text := string(list) // one copy for all of them
	for rest := list; len(rest) > 0; {
		p := r.take(&rest, field, asn1.GeneralString)
		end := len(list) - len(rest)
		v.Parts = append(v.Parts, text[end-len(p):end])
	}
	return v
}

func (v Name) append(b []byte, n uint8) []byte {
	b, outer := open(b, context(n))
	b = v.sequence(b)
	return shut(b, outer)
}

func (v Name) sequence(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b = appendNumber(b, 0, int64(v.Type))
	b, list, inner := openList(b, 1)
	for _, p := range v.Parts {
		b = element(b, asn1.GeneralString, p)
	}
	return shut(shut2(b, list, inner), seq)
}

// openList opens the field [n] with a SEQUENCE OF in it, to be shut by shut2.
func openList(b []byte, n uint8) (out []byte, outer, inner int) { return open2(b, context(n)) }
