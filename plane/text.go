package plane

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Keys that are structs are written as text: a table is shown as JSON, whose objects have strings for keys. What is not set
// is empty, as in package netip.

// MarshalText renders "2001:db8::1/128 2".
func (k WayKey) MarshalText() ([]byte, error) { return marshalKey(k.Inner, uint64(k.ID)) }

// UnmarshalText reads what MarshalText wrote.
func (k *WayKey) UnmarshalText(b []byte) (err error) {
	var key WayKey
	var n uint64
	if n, err = unmarshalKey(b, &key.Inner, 16); err == nil {
		key.ID = uint16(n)
		*k = key
	}
	return err
}

// MarshalText renders "2001:db8::1/128 2", the prefix and the port.
func (k GateKey) MarshalText() ([]byte, error) { return marshalKey(k.From, uint64(k.Port)) }

// UnmarshalText reads what MarshalText wrote.
func (k *GateKey) UnmarshalText(b []byte) (err error) {
	var key GateKey
	var n uint64
	if n, err = unmarshalKey(b, &key.From, 31); err == nil {
		key.Port = Port(n)
		*k = key
	}
	return err
}

// MarshalText renders "2001:db8::1 2", the address and the port.
func (k MeterKey) MarshalText() ([]byte, error) {
	b, err := k.Addr.AppendText(nil)
	return strconv.AppendUint(append(b, ' '), uint64(k.Port), 10), err
}

// UnmarshalText reads what MarshalText wrote.
func (k *MeterKey) UnmarshalText(b []byte) error {
	first, second, ok := strings.Cut(string(b), " ")
	var a netip.Addr
	n, err := strconv.ParseUint(second, 10, 31)
	if !ok || err != nil || a.UnmarshalText([]byte(first)) != nil {
		return fmt.Errorf("plane: key %q is not an address and a number", b)
	}
	*k = MeterKey{a, Port(n)}
	return nil
}

// MarshalText renders "2001:db8::1 2001:db8::2", the mobile address and the peer.
func (p Pair) MarshalText() ([]byte, error) {
	b, err := p.Mobile.AppendText(nil)
	if err != nil {
		return nil, err
	}
	return p.Peer.AppendText(append(b, ' '))
}

// UnmarshalText reads what MarshalText wrote.
func (p *Pair) UnmarshalText(b []byte) error {
	first, second, ok := strings.Cut(string(b), " ")
	var q Pair
	if !ok || q.Mobile.UnmarshalText([]byte(first)) != nil || q.Peer.UnmarshalText([]byte(second)) != nil {
		return fmt.Errorf("plane: key %q is not two addresses", b)
	}
	*p = q
	return nil
}

func marshalKey(p netip.Prefix, n uint64) ([]byte, error) {
	b, err := p.AppendText(nil)
	return strconv.AppendUint(append(b, ' '), n, 10), err
}

// unmarshalKey parses a key of a prefix and a number of so many bits.
func unmarshalKey(b []byte, p *netip.Prefix, bits int) (uint64, error) {
	first, second, ok := strings.Cut(string(b), " ")
	n, err := strconv.ParseUint(second, 10, bits)
	if !ok || err != nil || p.UnmarshalText([]byte(first)) != nil {
		return 0, fmt.Errorf("plane: key %q is not a prefix and a number", b)
	}
	return n, nil
}
