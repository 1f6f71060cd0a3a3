package ip6

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"testing/quick"
)

func TestAddresses(t *testing.T) {
	hw := [6]byte{0x00, 0x00, 0x5e, 0x00, 0x53, 0x01}
	for _, c := range []struct{ got, want string }{
		{LinkLocal(hw).String(), "fe80::200:5eff:fe00:5301"},
		{FromEUI64(netip.MustParsePrefix("2001:db8:a:1::/64"), hw).String(), "2001:db8:a:1:200:5eff:fe00:5301"},
		{SolicitedNode(netip.MustParseAddr("2001:db8::1:2:345:6789")).String(), "ff02::1:ff45:6789"},
		{fmt.Sprintf("%x", MulticastHW(AllNodes)), "333300000001"},
		{fmt.Sprintf("%x", MulticastHW(netip.MustParseAddr("ff02::1:ff45:6789"))), "3333ff456789"},
		{HomeAgentsAnycast(netip.MustParsePrefix("2001:db8:1::5/64")).String(), "2001:db8:1:0:fdff:ffff:ffff:fffe"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

// slow is the checksum as RFC 1071 §4.1 writes it, over a pseudo-header laid out as RFC 8200 §8.1 draws it.
func slow(src, dst netip.Addr, proto uint8, payload []byte) uint16 {
	s, d := src.As16(), dst.As16()
	b := append(append([]byte{}, s[:]...), d[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = append(b, 0, 0, 0, proto)
	b = append(b, payload...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func TestChecksumAgainstRFC1071(t *testing.T) {
	check := func(s, d [16]byte, proto uint8, payload []byte) bool {
		src, dst := netip.AddrFrom16(s), netip.AddrFrom16(d)
		return Checksum(src, dst, proto, payload) == slow(src, dst, proto, payload)
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

func TestChecksumOfItsOwnIsZero(t *testing.T) {
	for n := 8; n < 80; n++ {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i * 37)
		}
		b[2], b[3] = 0, 0
		binary.BigEndian.PutUint16(b[2:], Checksum(coa, ha, ProtoICMPv6, b))
		if got := Checksum(coa, ha, ProtoICMPv6, b); got != 0 {
			t.Errorf("%d octets: %#x", n, got)
		}
	}
}

func BenchmarkChecksum(b *testing.B) {
	for _, n := range []int{80, 1400} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			data := make([]byte, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				Checksum(coa, ha, ProtoUDP, data)
			}
		})
	}
}

func TestRoutable(t *testing.T) {
	for a, want := range map[string]bool{"2001:db8::1": true, "fd00::1": true, "fe80::1": false, "ff0e::1": false, "::": false, "::1": false,
		"::ffff:192.0.2.1": false, "192.0.2.1": false} { //order:any
		if Routable(netip.MustParseAddr(a)) != want {
			t.Errorf("%s: not %v", a, want)
		}
	}
	if Routable(netip.Addr{}) {
		t.Error("no address")
	}
}

// What is next to a reserved identifier is none, and the prefix says nothing.
func TestReservedID(t *testing.T) {
	for a, want := range map[string]bool{
		"2001:db8:1::": true, "2001:db8:2::": true, "2001:db8:1::1": false, // RFC 4291 §2.6.1
		"2001:db8::200:5eff:fdff:ffff": false, "2001:db8::200:5eff:fe00:0": true, "2001:db8::200:5eff:fe00:5212": true, "2001:db8::200:5eff:fe00:5213": false,
		"2001:db8::fdff:ffff:ffff:ff7f": false, "2001:db8::fdff:ffff:ffff:ff80": true, "2001:db8::fdff:ffff:ffff:ffff": true, "2001:db8::fe00:0:0:0": false,
		"2001:db8::ffff:ffff:ffff:ffff": false,
	} { //order:any
		if ReservedID(netip.MustParseAddr(a)) != want {
			t.Errorf("%s: not %v", a, want)
		}
	}
	if a := HomeAgentsAnycast(netip.MustParsePrefix("2001:db8::/64")); !ReservedID(a) {
		t.Errorf("%v is the home agents'", a)
	}
}
