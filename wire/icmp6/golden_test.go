package icmp6

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"roam6/wire"
	"roam6/wire/ip6"
	"roam6/wire/octets"
)

var (
	coa     = netip.MustParseAddr("2001:db8:a:1:0:ff:fe00:a01")
	hoa     = netip.MustParseAddr("2001:db8:1::100")
	ha      = netip.MustParseAddr("2001:db8:1::1")
	ha2     = netip.MustParseAddr("2001:db8:1::2")
	router  = netip.MustParseAddr("2001:db8:f::1")
	homeNet = netip.MustParsePrefix("2001:db8:1::/64")
)

// golden is a message, its octets with a comment on each line, and the addresses its checksum covers. The checksums
// were computed by a program of their own, not by this package.
type golden struct {
	src, dst netip.Addr
	text     string
	msg      Message
	// whole says at which lengths a cut leaves a whole message.
	whole func(n int) bool
}

var goldens = map[string]golden{
	"Echo":                goldenEcho,
	"Error":               goldenError,
	"HomeAgentsRequest":   goldenHomeAgentsRequest,
	"HomeAgentsReply":     goldenHomeAgentsReply,
	"PrefixSolicitation":  goldenPrefixSolicitation,
	"PrefixAdvertisement": goldenPrefixAdvertisement,
	"GeneralQuery":        goldenGeneralQuery,
	"SourceQuery":         goldenSourceQuery,
	"Query1":              goldenQuery1,
	"ListenerReport":      goldenListenerReport,
	"ListenerReport1":     goldenListenerReport1,
	"ListenerDone":        goldenListenerDone,
}

func (g golden) octets() []byte { return octets.Of(g.text) }

// check holds a golden against Parse and Append, both ways.
func (g golden) check(t *testing.T) {
	t.Helper()
	b := g.octets()
	got, err := Parse(g.src, g.dst, b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, g.msg) {
		t.Errorf("Parse:\n got %+v\nwant %+v", got, g.msg)
	}
	if out := Append([]byte("before"), g.src, g.dst, g.msg); !bytes.Equal(out, append([]byte("before"), b...)) {
		t.Errorf("Append:\n got %x\nwant %x", out[6:], b)
	}
	clear(b)
	if !reflect.DeepEqual(got, g.msg) {
		t.Error("the message shares memory with the packet")
	}
}

// seal writes the checksum, so that a changed message is refused for the change and not for its checksum.
func seal(src, dst netip.Addr, b []byte) []byte {
	if len(b) < 4 {
		return b
	}
	binary.BigEndian.PutUint16(b[2:], 0)
	binary.BigEndian.PutUint16(b[2:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, b))
	return b
}

func (g golden) refused(t *testing.T, name string, b []byte, field string, offset int, cause error) {
	t.Helper()
	m, err := Parse(g.src, g.dst, seal(g.src, g.dst, b))
	var e *wire.Error
	if m != nil || !errors.Is(err, cause) || !errors.As(err, &e) || e.Field != field || e.Offset != offset {
		t.Errorf("%s: got %v, %v; want %s at octet %d: %v", name, m, err, field, offset, cause)
	}
}

func TestEveryCut(t *testing.T) {
	for name, g := range goldens { //order:any
		b := g.octets()
		for n := range b {
			m, err := Parse(g.src, g.dst, seal(g.src, g.dst, slices.Clone(b[:n])))
			if whole := n >= headerLen && g.whole(n); whole != (err == nil) || whole != (m != nil) {
				t.Errorf("%s cut at %d: %v, %v", name, n, m, err)
			} else if !whole && !errors.Is(err, wire.ErrTruncated) {
				t.Errorf("%s cut at %d: %v, want %v", name, n, err, wire.ErrTruncated)
			}
		}
	}
}

func TestChecksumCoversEverything(t *testing.T) {
	for name, g := range goldens { //order:any
		b := g.octets()
		for i := range b {
			bad := slices.Clone(b)
			bad[i] ^= 0x10
			if m, err := Parse(g.src, g.dst, bad); m != nil || !errors.Is(err, wire.ErrChecksum) {
				t.Errorf("%s with octet %d changed: %v, %v; want %v", name, i, m, err, wire.ErrChecksum)
			}
		}
		if m, err := Parse(router, ha2, b); m != nil || !errors.Is(err, wire.ErrChecksum) {
			t.Errorf("%s between others: %v, %v; want %v", name, m, err, wire.ErrChecksum)
		}
	}
}

// Information has code 0 and reserved bits that do not matter.
func TestCodeAndReserved(t *testing.T) {
	for name, g := range goldens { //order:any
		if name == "Error" || IsListener(g.octets()[0]) { // see TestListenerCodeAndReserved
			continue
		}
		b := g.octets()
		b[1] = 1
		g.refused(t, name+" with code 1", b, "Code", 1, wire.ErrValue)
		if name == "Echo" {
			continue
		}
		b = g.octets()
		b[6], b[7] = b[6]|0x3f, 0xff
		if m, err := Parse(g.src, g.dst, seal(g.src, g.dst, b)); err != nil || !reflect.DeepEqual(m, g.msg) {
			t.Errorf("%s with reserved bits: %v, %v; want %v", name, m, err, g.msg)
		}
	}
}

func TestTypes(t *testing.T) {
	for kind := range 256 {
		b := seal(ha, coa, []byte{uint8(kind), 0, 0, 0, 0, 0, 0, 0})
		m, err := Parse(ha, coa, b)
		switch {
		case kind >= 1 && kind <= 127:
			if e, ok := m.(*Error); !ok || e.Type != uint8(kind) {
				t.Errorf("type %d: %v, %v; want an error message", kind, m, err)
			}
		case IsListener(uint8(kind)):
			if kind == 143 != (err == nil) || err != nil && !errors.Is(err, wire.ErrTruncated) {
				t.Errorf("type %d: %v, %v; 8 octets are whole as a report of version 2 only", kind, m, err)
			}
		case kind == 128 || kind == 129 || kind >= 144 && kind <= 147:
			if err != nil {
				t.Errorf("type %d: %v", kind, err)
			}
		default:
			if m != nil || !errors.Is(err, wire.ErrUnknown) {
				t.Errorf("type %d: %v, %v; want %v", kind, m, err, wire.ErrUnknown)
			}
		}
	}
}
