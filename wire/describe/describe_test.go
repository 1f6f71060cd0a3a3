package describe_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/wire/describe"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

var update = flag.Bool("update", false, "write the expected texts anew")

var (
	home     = netip.MustParseAddr("2001:db8:1::5")
	coa      = netip.MustParseAddr("2001:db8:2::5")
	ha       = netip.MustParseAddr("2001:db8:1::1")
	cn       = netip.MustParseAddr("2001:db8:9::1")
	hw       = [6]byte{2, 0, 0, 0, 0, 5}
	local    = ip6.LinkLocal(hw)
	router   = ip6.LinkLocal([6]byte{2, 0, 0, 0, 0, 1})
	unspec   = netip.IPv6Unspecified()
	homeNet  = netip.MustParsePrefix("2001:db8:1::/64")
	signedBU = &mh.BindingUpdate{Seq: 7, Ack: true, Home: true, Lifetime: 400 * time.Second, Options: mh.Options{
		AltCareOf: coa, NAI: "mn@home.example", Timestamp: 0xe9b3c5d280000000,
		Auth: &mh.Auth{Subtype: mh.AuthMNHA, SPI: 256, Data: bytes.Repeat([]byte{0xaa}, mh.AuthLen)}}}
)

func packet(p ip6.Packet) []byte { return p.Append(nil) }

// bindingUpdate is the packet of RFC 6275 §11.7.1: from the care-of address with a Home Address option.
func bindingUpdate() []byte {
	return packet(ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, HomeAddress: home, Proto: ip6.ProtoMH,
		Payload: mh.Append(nil, home, ha, signedBU)})
}

func bindingAck() []byte {
	return packet(ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, Routing2: home, Proto: ip6.ProtoMH,
		Payload: mh.Append(nil, ha, home, &mh.BindingAck{Seq: 7, Lifetime: 400 * time.Second, Options: mh.Options{RefreshAdvice: 300 * time.Second}})})
}

// datagram is a UDP packet with a right checksum.
func datagram(src, dst netip.Addr) []byte {
	u := append([]byte{0x13, 0x8c, 0x13, 0x8e, 0, 12, 0, 0}, "ping"...)
	sum := ip6.Checksum(src, dst, ip6.ProtoUDP, u)
	u[6], u[7] = byte(sum>>8), byte(sum)
	return packet(ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoUDP, Payload: u})
}

func tunnelled() []byte {
	return packet(ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, EncapLimit: 5, Proto: ip6.ProtoIPv6, Payload: datagram(cn, home)})
}

func neighbour(src, dst netip.Addr, m nd.Message) []byte {
	return packet(ip6.Packet{Header: ip6.Header{Src: src, Dst: dst, HopLimit: 255}, Proto: ip6.ProtoICMPv6, Payload: nd.Append(nil, src, dst, m)})
}

func advertisement() []byte {
	return neighbour(router, ip6.AllNodes, &nd.RouterAdvertisement{HopLimit: 64, HomeAgent: true, Lifetime: 30 * time.Minute, Options: nd.Options{
		SourceHW: [6]byte{2, 0, 0, 0, 0, 1}, MTU: 1500, AdvInterval: 70 * time.Millisecond,
		HomeAgent: &nd.HomeAgentInfo{Preference: 10, Lifetime: 30 * time.Minute},
		Prefixes: []nd.Prefix{{Prefix: homeNet, Addr: ha, OnLink: true, Autonomous: true, RouterAddr: true,
			Valid: nd.Infinity, Preferred: 7 * 24 * time.Hour}}}})
}

func control(src, dst netip.Addr, m icmp6.Message) []byte {
	return packet(ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: icmp6.Append(nil, src, dst, m)})
}

func changed(b []byte, at int, to ...byte) []byte {
	b = bytes.Clone(b)
	copy(b[at:], to)
	return b
}

// resum puts a right checksum into the Mobility Header of a packet of bindingUpdate's shape.
func resum(b []byte) []byte {
	p, err := ip6.Parse(b)
	if err != nil {
		panic(err)
	}
	p.Payload[4], p.Payload[5] = 0, 0
	sum := ip6.Checksum(p.EffectiveSrc(), p.EffectiveDst(), p.Proto, p.Payload)
	p.Payload[4], p.Payload[5] = byte(sum>>8), byte(sum)
	return b
}

type sample struct {
	name   string
	b      []byte
	faults bool
}

func samples() []sample {
	bu, ra := bindingUpdate(), advertisement()
	fragment := packet(ip6.Packet{Header: ip6.Header{Src: cn, Dst: home}, Proto: ip6.ProtoFragment,
		Payload: append([]byte{17, 0, 0, 1, 0, 0, 0, 9}, "12345678"...)})
	return append(slices.Concat(listenerSamples(), fastSamples(), accessSamples(), handoverSamples(), lwkrbSamples(), krbSamples()), []sample{
		{"bu", bu, false},
		{"ba", bindingAck(), false},
		{"hot", packet(ip6.Packet{Header: ip6.Header{Src: cn, Dst: home}, Proto: ip6.ProtoMH,
			Payload: mh.Append(nil, cn, home, &mh.HomeTest{NonceIndex: 3, Cookie: [8]byte{1}, Keygen: [8]byte{2}})}), false},
		{"be", packet(ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Proto: ip6.ProtoMH,
			Payload: mh.Append(nil, cn, coa, &mh.BindingError{Status: mh.UnknownBinding, HomeAddress: home})}), false},
		{"tunnel", tunnelled(), false},
		{"esp", packet(ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, HomeAddress: home, Proto: ip6.ProtoESP,
			Payload: append([]byte{0, 0, 3, 1, 0, 0, 0, 42}, make([]byte, 56)...)}), false},
		{"fragment", fragment, false},
		{"rs", neighbour(local, ip6.AllRouters, &nd.RouterSolicitation{Options: nd.Options{SourceHW: hw}}), false},
		{"ra", ra, false},
		{"dad", neighbour(unspec, ip6.SolicitedNode(coa), &nd.NeighborSolicitation{Target: coa, Options: nd.Options{Nonce: []byte{1, 2, 3, 4, 5, 6}}}), false},
		{"na", neighbour(coa, ip6.AllNodes, &nd.NeighborAdvertisement{Override: true, Target: coa, Options: nd.Options{TargetHW: hw}}), false},
		{"dhaad", control(ha, coa, &icmp6.HomeAgentsReply{ID: 5, Agents: []netip.Addr{ha, cn}}), false},
		{"mpa", control(ha, coa, &icmp6.PrefixAdvertisement{ID: 5, Managed: true, Prefixes: []nd.Prefix{{Prefix: homeNet, OnLink: true, Valid: time.Hour, Preferred: time.Minute}}}), false},
		{"too-big", control(ha, cn, &icmp6.Error{Type: icmp6.TypePacketTooBig, Param: 1460, Invoking: datagram(cn, home)[:48]}), false},
		{"echo", control(cn, home, &icmp6.Echo{ID: 1, Seq: 2, Data: []byte("hello")}), false},
		{"bu-checksum", changed(bu, len(bu)-1, 0xbb), true},
		{"bu-option-length", resum(changed(bu, len(bu)-18, 60)), true},
		{"bu-cut", bu[:100], true},
		{"mh-unknown", resum(changed(bu, 66, 99)), true},
		{"ra-hop-limit", changed(ra, 7, 64), true},
		{"ra-option-zero", changed(ra, 40+16+1, 0), true},
		{"version", changed(bu, 0, 0x50), true},
	}...)
}

func TestTexts(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			tree := describe.Bytes(s.b)
			got := tree.Summary() + "\n\n" + tree.Text()
			if (tree.Faults() > 0) != s.faults {
				t.Errorf("%d faults", tree.Faults())
			}
			compare(t, s.name, got)
		})
	}
}

// compare holds a text against testdata/NAME.txt.
func compare(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("text differs from %s:\n%s", file, got)
	}
}

func TestFaultStandsOnItsField(t *testing.T) {
	bu := bindingUpdate()
	for _, c := range []struct {
		name, line string
		b          []byte
	}{
		{"checksum", "Checksum", changed(bu, len(bu)-1, 0xbb)},
		{"option length", "Mobility Message Authentication", resum(changed(bu, len(bu)-18, 60))},
		{"type", "MH Type", resum(changed(bu, 66, 99))},
		{"payload proto", "Payload Proto", resum(changed(bu, 64, 17))},
		{"unknown destination option that must not be skipped", "option 194", changed(bu, 46, 0xc2)},
		{"hop limit of neighbour discovery", "Hop Limit", changed(advertisement(), 7, 64)},
		{"option of no length", "Source Link-Layer Address", changed(advertisement(), 57, 0)},
		{"payload length", "Payload Length", bu[:len(bu)-1]},
		{"udp length", "Length", changed(datagram(cn, home), 44, 0, 99)},
		{"version", "Version", changed(bu, 0, 0x50)},
	} {
		wantMarked(t, c.name, c.line, describe.Packet(c.b))
	}
}

// wantMarked wants a fault on a line of the tree that has the words.
func wantMarked(t *testing.T, name, words string, tree describe.Tree) {
	t.Helper()
	marked := ""
	for line := range strings.Lines(tree.Text()) {
		if strings.Contains(line, "!!") {
			marked += line
		}
	}
	if !strings.Contains(marked, words) {
		t.Errorf("%s: marked %q, want the line of %s\n%s", name, marked, words, tree.Text())
	}
}

func TestBare(t *testing.T) {
	p, err := ip6.Parse(bindingUpdate())
	if err != nil {
		t.Fatal(err)
	}
	for name, tree := range map[string]describe.Tree{"MH": describe.MH(p.Payload), "Bytes": describe.Bytes(p.Payload)} { //order:any
		if tree.Layer != "mh" || tree.Faults() != 0 || !strings.HasPrefix(tree.Summary(), "Binding Update seq 7 AH lifetime 6m40s care-of 2001:db8:2::5") {
			t.Errorf("%s: %s\n%s", name, tree.Summary(), tree.Text())
		}
	}
	p, err = ip6.Parse(advertisement())
	if err != nil {
		t.Fatal(err)
	}
	for name, tree := range map[string]describe.Tree{"ICMP": describe.ICMP(p.Payload), "Bytes": describe.Bytes(p.Payload)} { //order:any
		if tree.Layer != "nd" || tree.Faults() != 0 || tree.Name != "Router Advertisement" {
			t.Errorf("%s: %s\n%s", name, tree.Summary(), tree.Text())
		}
	}
}

func TestEthernet(t *testing.T) {
	frame := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 5, 0x86, 0xdd}, bindingUpdate()...)
	tagged := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 5, 0x81, 0, 0, 7, 0x86, 0xdd}, bindingUpdate()...)
	arp := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 5, 8, 6}, make([]byte, 28)...)
	for _, c := range []struct {
		b    []byte
		has  string
		want string
	}{{frame, "mh", "2001:db8:2::5 → 2001:db8:1::1"}, {tagged, "mh", "2001:db8:2::5 → 2001:db8:1::1"}, {arp, "ether", "EtherType 0x0806"}} {
		tree := describe.Ethernet(c.b)
		if !tree.Has(c.has) || !strings.HasPrefix(tree.Summary(), c.want) || tree.Faults() != 0 {
			t.Errorf("%s\n%s", tree.Summary(), tree.Text())
		}
	}
	if tree := describe.Bytes(frame); tree.Layer != "ether" {
		t.Errorf("a frame is taken for %s", tree.Layer)
	}
	if tree := describe.Ethernet(frame[:9]); tree.Faults() == 0 {
		t.Error("a cut frame has no fault")
	}
}

func TestTunnelsAreBounded(t *testing.T) {
	b := datagram(cn, home)
	for range 3 * describe.MaxDepth {
		b = packet(ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, Proto: ip6.ProtoIPv6, Payload: b})
	}
	tree := describe.Packet(b)
	if !strings.Contains(tree.Text(), "too deep") {
		t.Fatal(tree.Text())
	}
}

func TestUDPChecksum(t *testing.T) {
	b := datagram(cn, home)
	for name, c := range map[string]struct { //order:any
		b    []byte
		want string
	}{
		"right": {b, "(right)"},
		"wrong": {changed(b, len(b)-1, 'x'), "!! checksum wrong"},
		"none":  {changed(b, 46, 0, 0), "(none"},
		"long":  {changed(b, 44, 0, 99), "length field lies"},
	} {
		tree := describe.Packet(c.b)
		if text := tree.Text(); !strings.Contains(text, c.want) {
			t.Errorf("%s: no %q in\n%s", name, c.want, text)
		}
	}
}

// A sum of zero is sent as either zero of ones' complement, and a receiver that sums all of it cannot tell them apart
// (RFC 1071 §1): a kernel's TCP sends ffff about once in 65,536 segments.
func TestBothZeros(t *testing.T) {
	segment := make([]byte, 20)
	segment[12] = 5 << 4
	binary.BigEndian.PutUint16(segment[18:], ip6.Checksum(cn, home, ip6.ProtoTCP, segment)) // now its sum is zero
	p := ip6.Packet{Header: ip6.Header{HopLimit: 64, Src: cn, Dst: home}, Proto: ip6.ProtoTCP, Payload: segment}
	for sum, want := range map[uint16]string{0: "(right)", 0xffff: "(right)", 1: "!! checksum wrong"} { //order:any
		binary.BigEndian.PutUint16(segment[16:], sum)
		tree := describe.Packet(p.Append(nil))
		if text := tree.Text(); !strings.Contains(text, want) {
			t.Errorf("%#04x: no %q in\n%s", sum, want, text)
		}
	}
}

// FuzzDescribe: no octets make it panic or give a tree out of proportion, and offsets stay inside.
func FuzzDescribe(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.b)
	}
	f.Add(clearESP(ip6.ProtoMH, bindingUpdate()[64:]))
	f.Fuzz(func(t *testing.T, b []byte) {
		clear := describe.Reader{Open: clearText}.As(describe.KindIP, b)
		for _, tree := range []describe.Tree{describe.Bytes(b), describe.Packet(b), describe.Ethernet(b), describe.MH(b), describe.ICMP(b), describe.Lwkrb(b), describe.Krb5(b), clear} {
			if n := inside(t, &tree, len(b)); n > 200*(describe.MaxDepth+1) {
				t.Fatalf("%d nodes from %d octets", n, len(b))
			}
			_ = tree.Text()
			_ = tree.Summary()
		}
	})
}

func inside(t *testing.T, x *describe.Tree, end int) int {
	if x.Offset < 0 || x.Len < 0 || x.Offset+x.Len > end {
		t.Fatalf("%s at %d, %d octets of %d", x.Name, x.Offset, x.Len, end)
	}
	n := 1
	for i := range x.Kids {
		n += inside(t, &x.Kids[i], end)
	}
	return n
}

func TestEveryPrefix(t *testing.T) {
	for _, s := range samples() {
		for n := range s.b {
			tree := describe.Packet(s.b[:n])
			inside(t, &tree, n)
			if tree.Faults() == 0 {
				t.Errorf("%s cut to %d octets: no fault\n%s", s.name, n, tree.Text())
			}
		}
	}
}

func BenchmarkPacket(b *testing.B) {
	bu := bindingUpdate()
	b.ReportAllocs()
	for b.Loop() {
		_ = describe.Packet(bu)
	}
}
