package principal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	keys "roam6/keying/krb5"
	"roam6/wire/diameter"
	"roam6/wire/krb5"
)

// Fresh is a new principal of a name, without keys, that may what its kind may. The name is brought into its one form.
func Fresh(name string) (*Principal, error) {
	id, err := parse(name)
	if err != nil {
		return nil, err
	}
	p := &Principal{Name: id.String(), Kind: Service, Enabled: true, Flags: ServiceFlags}
	switch {
	case len(id.Name.Parts) == 1:
		p.Kind, p.Flags = Subscriber, SubscriberFlags
	case id.Name.Service() == krb5.TGSService:
		p.Flags = TGSFlags
	}
	return p, nil
}

// Canonical gives the one form of a name, or says what is wrong.
func Canonical(name string) (string, error) {
	id, err := parse(name)
	return id.String(), err
}

func parse(name string) (krb5.Principal, error) {
	id, err := krb5.ParsePrincipal(name)
	if err == nil && (len(id.String()) > MaxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unprintable)) {
		err = fmt.Errorf("principal %.80q: at most %d octets of UTF-8 without spaces and control characters are allowed", name, MaxName)
	}
	if err == nil && slices.Contains(id.Name.Parts, "") {
		err = fmt.Errorf("principal %.80q: a component is empty", name)
	}
	return id, err
}

func unprintable(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError
}

// Check says what is wrong with a principal, with the key of the JSON form, the value, and what is allowed; of keys never the octets. No keys at
// all are right: lists do not have any.
func (p *Principal) Check() error {
	id, err := parse(p.Name)
	if err != nil {
		return err
	}
	if c := id.String(); c != p.Name {
		return fmt.Errorf("name %q is not in its one form %q", p.Name, c)
	}
	one := len(id.Name.Parts) == 1
	switch {
	case p.Kind != Service && p.Kind != Subscriber:
		return fmt.Errorf("kind %.40q: %s and %s are allowed", p.Kind, Service, Subscriber)
	case one != (p.Kind == Subscriber):
		return fmt.Errorf("kind %s of %s: a subscriber has one component before @, a service two or more, such as host/ar1.home.example", p.Kind, p.Name)
	case p.Flags>>len(FlagNames) != 0:
		return fmt.Errorf("flags %#x: there is no such flag", uint16(p.Flags))
	}
	if err := span("max_life_s", p.MaxLife, MaxLife); err != nil {
		return err
	}
	if err := span("max_renew_s", p.MaxRenew, MaxRenew); err != nil {
		return err
	}
	if len(p.Attributes) > MaxAttributes {
		return fmt.Errorf("attributes of %d octets: at most %d are allowed", len(p.Attributes), MaxAttributes)
	}
	if _, err := (diameter.AVP{Data: p.Attributes}).Group(); err != nil {
		return fmt.Errorf("attributes: Diameter AVPs are allowed (RFC 6733 §4.1): %w", err)
	}
	return p.checkKeys()
}

func span(key string, d, most time.Duration) error {
	if d < 0 || d > most || d%time.Second != 0 {
		return fmt.Errorf("%s %v: whole seconds from 0 (the KDC's own) to %v are allowed", key, d, most)
	}
	return nil
}

func (p *Principal) checkKeys() error {
	if len(p.Keys) > MaxKeys {
		return fmt.Errorf("keys: %d of them, %d at most are allowed", len(p.Keys), MaxKeys)
	}
	for i, k := range p.Keys {
		switch {
		case k.Version < 1 || k.Version > MaxVersion:
			return fmt.Errorf("keys: kvno %d: 1 to %d are allowed", k.Version, MaxVersion)
		case !k.EType.Known():
			return fmt.Errorf("keys: etype %d: 17 to 20 are allowed", int32(k.EType))
		case len(k.Octets) != k.EType.KeyLen():
			return fmt.Errorf("keys: a key of %d octets for %v, which has %d", len(k.Octets), k.EType, k.EType.KeyLen())
		case len(k.Salt) > MaxSalt || !utf8.ValidString(k.Salt) || strings.ContainsRune(k.Salt, 0):
			return fmt.Errorf("keys: salt of %d octets: at most %d of UTF-8 are allowed", len(k.Salt), MaxSalt)
		case len(k.Params) != 0 && len(k.Params) != 4:
			return fmt.Errorf("keys: s2kparams of %d octets: 4 are allowed, or none", len(k.Params))
		case k.Made.Unix() < 0 && !k.Made.IsZero() || k.Made.Nanosecond() != 0:
			return fmt.Errorf("keys: made %v: whole seconds from 1970 on are allowed", k.Made)
		case i > 0 && order(p.Keys[i-1], k) >= 0:
			return fmt.Errorf("keys: kvno %d %v is out of order or there twice: the newest version comes first, in it the strongest type", k.Version, k.EType)
		}
	}
	return nil
}

// order is that of keys: versions fall, in one the types from the strongest on.
func order(a, b Key) int {
	return cmp.Or(cmp.Compare(b.Version, a.Version), slices.Index(keys.ETypes(), a.EType)-slices.Index(keys.ETypes(), b.EType))
}
