package plane

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"roam6/wire/ip6"
)

// fragmentOf is octets from..to of what follows the fixed header of a packet, as a fragment.
func fragmentOf(b []byte, id uint32, from, to int) []byte {
	body := b[ip6.HeaderLen:]
	raw := []byte{b[6], 0, byte(from >> 8), byte(from), 0, 0, 0, 0}
	if to < len(body) {
		raw[3] |= 1
	}
	binary.BigEndian.PutUint32(raw[4:], id)
	f := append(append(bytes.Clone(b[:ip6.HeaderLen]), raw...), body[from:to]...)
	f[6] = ip6.ProtoFragment
	binary.BigEndian.PutUint16(f[4:], uint16(len(f)-ip6.HeaderLen))
	return f
}

// Whoever sends pieces that nobody completes takes no room from tunnels, and what strangers send later finds room too.
//
// spec MIP-10
func TestStrangersPieces(t *testing.T) {
	evil := netip.MustParseAddr("2001:db8:e::666")
	user := udp(cn, hoa, 1240)
	in, control := inTunnel(ha, coa, user), udp(cn, coa, 600)
	for name, flood := range map[string]func(id uint32) []byte{
		"many":   func(id uint32) []byte { return fragmentOf(udp(evil, coa, 1280), id, 0, 8) },
		"large":  func(id uint32) []byte { return fragmentOf(udp(evil, coa, 65400), id, 0, 64000) },
		"spoilt": func(id uint32) []byte { return fragmentOf(udp(evil, coa, 1280), id/2, 8*int(id%2), 64) },
	} {
		s, sink := worlds()[0], &Sink{}
		id := uint32(100)
		attack := func(n int) {
			for range n {
				id++
				s.Handle(0, 1, ar, flood(id), sink)
			}
			sink.Reset()
		}
		attack(1000)
		s.Handle(0, 1, ar, fragmentOf(in, 1, 0, 1232), sink)
		attack(1000)
		if s.Handle(0, 1, ar, fragmentOf(in, 1, 1232, 1280), sink); len(sink.Out) != 1 || !bytes.Equal(sink.Out[0].Data, user) {
			t.Errorf("%s: a tunnel packet in pieces gave %+v", name, sink)
		}
		sink.Reset()
		s.Handle(0, 1, ar, fragmentOf(control, 2, 0, 256), sink)
		attack(5)
		if s.Handle(0, 1, ar, fragmentOf(control, 2, 256, 600), sink); len(sink.Punt) != 1 {
			t.Errorf("%s: a stranger's packet in pieces gave %+v", name, sink)
		}
	}
}

// A first piece whose headers make the whole longer than a packet can be is no packet.
func TestPiecesLongerThanAPacket(t *testing.T) {
	s, sink := worlds()[0], &Sink{}
	options := append([]byte{ip6.ProtoFragment, 31, 1, 252}, make([]byte, 252)...) // 256 octets of padding
	first := fragmentOf(udp(cn, coa, 65528), 1, 0, 32768)
	first = append(append(bytes.Clone(first[:40]), options...), first[40:]...)
	first[6] = ip6.ProtoDestOpts
	binary.BigEndian.PutUint16(first[4:], uint16(len(first)-ip6.HeaderLen))
	s.Handle(0, 1, ar, first, sink)
	s.Handle(0, 1, ar, fragmentOf(udp(cn, coa, 65520), 1, 32768, 65520), sink)
	if len(sink.Out)+len(sink.Punt) != 0 || len(sink.Drops) != 1 || sink.Drops[0].Reason != DropFragMalformed {
		t.Errorf("%d out, %d punted, drops %v", len(sink.Out), len(sink.Punt), sink.Drops)
	}
	if s.fragments.octets > 65528 {
		t.Errorf("%d octets kept", s.fragments.octets)
	}
}

// Nobody can guess the number of the next packet in pieces, to spoil it (RFC 7739); none is used twice.
func TestNumbersOfPieces(t *testing.T) {
	number := func(s *Soft) uint32 {
		s.fragmentID++
		return s.seed.permute(s.fragmentID)
	}
	a, b := NewSoft(), NewSoft()
	a.Seed([16]byte{1})
	b.Seed([16]byte{2})
	seen, near := map[uint32]bool{}, 0
	for range 1 << 16 {
		x, y := number(a), number(b)
		if seen[x] {
			t.Fatalf("%d is used twice", x)
		}
		if seen[x] = true; seen[x-1] || seen[x+1] || x == y {
			near++
		}
	}
	if near > 20 {
		t.Errorf("%d numbers follow from others", near)
	}
}
