package principal

import (
	"encoding/json"
	"fmt"
	"time"

	keys "roam6/keying/krb5"
)

// wire is the JSON form.
type wire struct {
	Name       string    `json:"name"`
	Kind       Kind      `json:"kind"`
	Enabled    bool      `json:"enabled"`
	Keys       []wireKey `json:"keys"`
	Flags      []string  `json:"flags"`
	MaxLife    int64     `json:"max_life_s"`
	MaxRenew   int64     `json:"max_renew_s"`
	Attributes []byte    `json:"attributes,omitempty"`
	Revision   uint64    `json:"revision"`

	bits Flags // those of Flags that are known, where it was read quickly
}

type wireKey struct {
	Version uint32     `json:"kvno"`
	EType   keys.EType `json:"etype"`
	Octets  []byte     `json:"key"`
	Salt    string     `json:"salt,omitempty"`
	Params  []byte     `json:"s2kparams,omitempty"`
	Made    int64      `json:"made,omitempty"`
}

// Encode gives the JSON form, on one line, keys in a fixed order. It cannot fail.
func Encode(p *Principal) []byte {
	if b, ok := encodeQuickly(p); ok {
		return b
	}
	return encode(p)
}

func encode(p *Principal) []byte {
	return marshal(wire{Name: p.Name, Kind: p.Kind, Enabled: p.Enabled, Keys: toWire(p.Keys), Flags: p.Flags.Names(), MaxLife: int64(p.MaxLife / time.Second),
		MaxRenew: int64(p.MaxRenew / time.Second), Attributes: p.Attributes, Revision: p.Revision})
}

// EncodeKeys gives the JSON form of keys alone: what a database seals.
func EncodeKeys(list []Key) []byte {
	if b, ok := appendKeys(nil, list); ok {
		return b
	}
	return marshal(toWire(list))
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("principal: " + err.Error()) // nothing here can fail
	}
	return b
}

func toWire(list []Key) []wireKey {
	out := make([]wireKey, 0, len(list))
	for _, k := range list {
		w := wireKey{k.Version, k.EType, k.Octets, k.Salt, k.Params, 0}
		if !k.Made.IsZero() {
			w.Made = k.Made.Unix()
		}
		out = append(out, w)
	}
	return out
}

func fromWire(list []wireKey) []Key {
	out := make([]Key, 0, len(list))
	for _, w := range list {
		k := Key{w.Version, w.EType, w.Octets, w.Salt, w.Params, time.Time{}}
		if w.Made != 0 {
			k.Made = time.Unix(w.Made, 0).UTC()
		}
		out = append(out, k)
	}
	return out
}

// Decode reads what Encode wrote and checks it as Check does. Keys and flags that it does not know are skipped, so that a newer store can
// say more.
func Decode(b []byte) (*Principal, error) {
	var w wire
	if len(b) > MaxEncoded || !quickly(b, &w) {
		w = wire{}
		if err := unmarshal(b, &w); err != nil {
			return nil, err
		}
	}
	return taken(&w)
}

func taken(w *wire) (*Principal, error) {
	p := &Principal{Name: w.Name, Kind: w.Kind, Enabled: w.Enabled, Keys: fromWire(w.Keys), Flags: w.bits, Attributes: w.Attributes, Revision: w.Revision}
	for _, n := range w.Flags {
		p.Flags |= flagOf(n)
	}
	for _, s := range []struct {
		key  string
		from int64
		to   *time.Duration
		most time.Duration
	}{{"max_life_s", w.MaxLife, &p.MaxLife, MaxLife}, {"max_renew_s", w.MaxRenew, &p.MaxRenew, MaxRenew}} {
		if s.from < 0 || s.from > int64(s.most/time.Second) {
			return nil, fmt.Errorf("principal: %s %d: 0 to %d are allowed", s.key, s.from, int64(s.most/time.Second))
		}
		*s.to = time.Duration(s.from) * time.Second
	}
	return p, p.Check()
}

// DecodeKeys reads what EncodeKeys wrote; whether they are right, Check of their principal says.
func DecodeKeys(b []byte) ([]Key, error) {
	if list, ok := quickKeys(b); ok && len(b) <= MaxEncoded {
		return fromWire(list), nil
	}
	var w []wireKey
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	return fromWire(w), nil
}

// unmarshal never repeats what it read: that has keys.
func unmarshal(b []byte, v any) error {
	if len(b) > MaxEncoded {
		return fmt.Errorf("principal: %d octets; at most %d are allowed", len(b), MaxEncoded)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("principal: %w", err)
	}
	return nil
}
