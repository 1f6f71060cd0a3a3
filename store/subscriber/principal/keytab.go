package principal

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// Keytab is the principal's keys as entries of a keytab (wire/krb5.AppendKeytab).
func (p *Principal) Keytab() []krb5.KeytabEntry {
	var out []krb5.KeytabEntry
	for _, k := range p.Keys {
		out = append(out, krb5.KeytabEntry{Principal: p.ID(), Time: k.Made, KVNO: k.Version, Key: krb5.EncryptionKey{EType: int32(k.EType), Value: krb5.Secret(k.Octets)}})
	}
	return out
}

// FromKeytab sorts what a keytab has into services, in the order of their names, each fresh and with its keys; passed is how many entries
// belong to subscribers, or are of encryption types that are not known. An error names the principal that cannot be entered.
func FromKeytab(list []krb5.KeytabEntry) (services []*Principal, passed int, err error) {
	for _, e := range list {
		p, err := Fresh(e.Principal.String())
		if err != nil {
			return nil, 0, err
		}
		if p.Kind != Service || !keys.EType(e.Key.EType).Known() {
			passed++
			continue
		}
		at := slices.IndexFunc(services, func(o *Principal) bool { return o.Name == p.Name })
		if at < 0 {
			at, services = len(services), append(services, p)
		}
		p = services[at]
		p.Add(Key{Version: e.KVNO, EType: keys.EType(e.Key.EType), Octets: Secret(e.Key.Value), Made: made(e.Time)})
		if err := p.Check(); err != nil {
			return nil, 0, err
		}
	}
	slices.SortFunc(services, func(a, b *Principal) int { return cmp.Compare(a.Name, b.Name) })
	return services, passed, nil
}

func made(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}

// ETypesOf reads encryption types: names as package keying/krb5 has them, or numbers, with commas between them. They come out with the strongest first.
func ETypesOf(text string) ([]keys.EType, error) {
	var out []keys.EType
	for word := range strings.SplitSeq(text, ",") {
		e, err := etype(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b keys.EType) int { return order(Key{EType: a}, Key{EType: b}) })
	return out, nil
}

func etype(word string) (keys.EType, error) {
	var names []string
	for _, e := range keys.ETypes() {
		if word == e.String() || word == strconv.Itoa(int(e)) {
			return e, nil
		}
		names = append(names, e.String())
	}
	return 0, fmt.Errorf("encryption type %.40q: allowed are %s, or 17 to 20", word, strings.Join(names, ", "))
}
