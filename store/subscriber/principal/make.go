package principal

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	keys "roam6/keying/krb5"
	"roam6/store/subscriber/profile"
	"roam6/wire/krb5"
)

// DerivedVersion is the version of keys that are made of a subscriber's long-term key. A new long-term key makes other keys of the same version: nobody
// seals for others under them. Keys of passwords have higher versions.
const DerivedVersion = 1

// Octets and characters of passwords.
const (
	MinPassword = 8   // characters
	MaxPassword = 256 // octets
)

// PasswordRounds are the iterations of string-to-key for a subscriber's password, told by ETYPE-INFO2: the 4096 of RFC 3962 are few nowadays.
const PasswordRounds = 65_536

// OfSubscriber is the principal that a subscriber is, with the keys made of its long-term key (docs/kerberos.md). One without an NAI, or whose name
// does not fit, is none.
func OfSubscriber(s *profile.Profile) (*Principal, error) {
	if s.NAI == "" {
		return nil, fmt.Errorf("%s has no NAI, and is no principal of Kerberos therefore", s.Name())
	}
	p, err := Fresh(krb5.OfNAI(s.NAI).String())
	if err != nil {
		return nil, err
	}
	p.Enabled, p.Revision = s.Enabled, s.Revision
	list, err := keys.SubscriberOctets(s.Key, p.Name)
	if err != nil {
		return nil, err
	}
	p.Keys = make([]Key, len(list))
	for i, octets := range list {
		p.Keys[i] = Key{Version: DerivedVersion, EType: keys.ETypes()[i], Octets: octets}
	}
	return p, nil
}

// NAI is the subscriber that a name is of; ok is false for one that is no subscriber's.
func NAI(name string) (nai string, ok bool) {
	id, err := parse(name)
	if err != nil {
		return "", false
	}
	return id.NAI()
}

// CheckPassword refuses what is no password, and never repeats it.
func CheckPassword(password string) error {
	if utf8.RuneCountInString(password) < MinPassword || len(password) > MaxPassword || !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl) {
		return fmt.Errorf("password: %d characters to %d octets of UTF-8 without control characters are allowed", MinPassword, MaxPassword)
	}
	return nil
}

// FromPassword makes keys of a password, with the salt that Kerberos has by itself; with rounds 0 the iterations, too, as both ends of a trust between
// realms have to have them.
func FromPassword(name string, version uint32, password string, rounds uint32, types []keys.EType, made time.Time) ([]Key, error) {
	id, err := parse(name)
	if err != nil {
		return nil, err
	}
	if err := CheckPassword(password); err != nil {
		return nil, err
	}
	var params []byte
	if rounds != 0 {
		params = binary.BigEndian.AppendUint32(nil, rounds)
	}
	var out []Key
	for _, e := range types {
		k, err := keys.StringToKey(e, password, id.Salt(), params)
		if err != nil {
			return nil, err
		}
		out = append(out, Key{version, e, k.Octets(), id.Salt(), params, made.UTC().Truncate(time.Second)})
	}
	return out, nil
}

// Drawn makes keys of octets that draw fills at random.
func Drawn(version uint32, types []keys.EType, made time.Time, draw func([]byte)) []Key {
	var out []Key
	for _, e := range types {
		octets := make([]byte, e.KeyLen())
		draw(octets)
		out = append(out, Key{Version: version, EType: e, Octets: octets, Made: made.UTC().Truncate(time.Second)})
	}
	return out
}

// Add puts keys to those that there are. One of the same version and encryption type is replaced. What is more than MaxVersions is pruned, the oldest
// first.
func (p *Principal) Add(list ...Key) {
	for _, k := range list {
		p.Keys = slices.DeleteFunc(p.Keys, func(o Key) bool { return o.Version == k.Version && o.EType == k.EType })
		p.Keys = append(p.Keys, k)
	}
	slices.SortFunc(p.Keys, order)
	versions, last := 0, uint32(0)
	p.Keys = slices.DeleteFunc(p.Keys, func(k Key) bool {
		if k.Version != last {
			versions, last = versions+1, k.Version
		}
		return versions > MaxVersions
	})
}

// Prune drops the versions that were replaced at a moment or before it: no ticket sealed under them is good any longer. A version is replaced when the
// next one is made; if nobody knows when that was, long ago.
func (p *Principal) Prune(before time.Time) {
	var next, last uint32
	var replaced time.Time
	made := map[uint32]time.Time{}
	for _, k := range p.Keys {
		made[k.Version] = k.Made
	}
	p.Keys = slices.DeleteFunc(p.Keys, func(k Key) bool {
		if k.Version != last {
			next, last = last, k.Version
			replaced = made[next]
		}
		return next != 0 && !replaced.After(before)
	})
}
