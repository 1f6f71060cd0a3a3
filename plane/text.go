package plane

import (
	"fmt"
	"net/netip"
	"strings"
)

// Keys that are structs are written as text: a table is shown as JSON, whose objects have strings for keys.

// MarshalText renders "2001:db8::1/128 2".
func (k WayKey) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%v %d", k.Inner, k.ID), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *WayKey) UnmarshalText(b []byte) error {
	var id uint16
	inner, err := cutKey(b, "a prefix and a number", netip.ParsePrefix, &id)
	if err != nil {
		return err
	}
	*k = WayKey{Inner: inner, ID: id}
	return nil
}

// MarshalText renders "2001:db8::1/128 2", the prefix and the port.
func (k GateKey) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%v %d", k.From, k.Port), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *GateKey) UnmarshalText(b []byte) error {
	var port Port
	from, err := cutKey(b, "a prefix and a port", netip.ParsePrefix, &port)
	if err != nil {
		return err
	}
	*k = GateKey{From: from, Port: port}
	return nil
}

// MarshalText renders "2001:db8::1 2001:db8::2", the mobile address and the peer.
func (p Pair) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%v %v", p.Mobile, p.Peer), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Pair) UnmarshalText(b []byte) error {
	var peer string
	mobile, err := cutKey(b, "two addresses", netip.ParseAddr, &peer)
	if err != nil {
		return err
	}
	other, err := netip.ParseAddr(peer)
	if err != nil {
		return fmt.Errorf("plane: key %q: %w", b, err)
	}
	*p = Pair{Mobile: mobile, Peer: other}
	return nil
}

// cutKey parses a key of two words; the second goes to rest.
func cutKey[T any](b []byte, want string, parse func(string) (T, error), rest any) (T, error) {
	first, second, ok := strings.Cut(string(b), " ")
	v, err := parse(first)
	if err == nil && ok {
		_, err = fmt.Sscan(second, rest)
	}
	if err != nil || !ok {
		var zero T
		return zero, fmt.Errorf("plane: key %q is not %s", b, want)
	}
	return v, nil
}
