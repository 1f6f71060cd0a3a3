package describe_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/keying/ah"
	"roam6/wire/describe"
	"roam6/wire/fast"
	"roam6/wire/ip6"
	"roam6/wire/lwkrb"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

var (
	oldRouter = netip.MustParseAddr("2001:db8:2::1")
	newRouter = netip.MustParseAddr("2001:db8:3:0:0:ff:fe00:2")
	newCoA    = netip.MustParseAddr("2001:db8:3:0:0:ff:fe00:5")
	atNew     = netip.PrefixFrom(newCoA, 64)
	apRequest = subopt.Handover{Lightweight: lwRequest.Append(nil)}
	tgt       = append([]byte{0x61, 0x50}, octetsFrom(9, 0x50)...)
)

// handover is a message of fast handover in its packet.
func handover(src, dst netip.Addr, m fast.Message) []byte {
	return packet(ip6.Packet{Header: ip6.Header{Src: src, Dst: dst, HopLimit: fast.HopLimit}, Proto: ip6.ProtoICMPv6, Payload: fast.Append(nil, src, dst, m)})
}

// underAH is a packet with an Authentication Header.
func underAH(b []byte) []byte {
	k, err := ah.NewKey(ah.HMACSHA256128, octetsFrom(0, ah.KeyLen))
	if err != nil {
		panic(err)
	}
	if b, err = (ah.Outbound{SPI: 0x1001, Key: k}).Seal(b, 7); err != nil {
		panic(err)
	}
	return b
}

func updateFromNew() []byte {
	b := bytes.Clone(bindingUpdate()) // from another care-of address: nothing in it covers that
	x := newCoA.As16()
	copy(b[8:], x[:])
	return b
}

// everyHandover is one of each message, with every suboption.
func everyHandover() [][]byte {
	return [][]byte{
		handover(router, coa, &fast.Redirect{Router: netip.PrefixFrom(newRouter, 64), HW: hw, CareOf: newCoA,
			Options: subopt.Handover{Principal: subopt.Principal{Name: "mobileip/ar2.b.example", Realm: "B.EXAMPLE"}}}),
		handover(coa, router, &fast.RedirectAck{Sized: fast.Sized{Options: apRequest}}),
		handover(oldRouter, newRouter, &fast.Handover{Announced: fast.Announced{CareOf: atNew, HW: hw,
			Options: subopt.Handover{Lightweight: lwError.Append(nil), Control: subopt.Buffer, PreviousCareOf: coa, LinkLayer: hw}}}),
		handover(newRouter, oldRouter, &fast.HandoverError{CareOf: newCoA, Options: subopt.Handover{Reason: subopt.AddressInUse}}),
		handover(newRouter, newCoA, &fast.AuthenticatedMN{Sized: fast.Sized{Options: subopt.Handover{Lightweight: (&lwkrb.Reply{ID: 7, Sealed: octetsFrom(0x40, 54)}).Append(nil)}}}),
		underAH(handover(coa, oldRouter, &fast.Notification{CareOf: newCoA, Previous: coa, Lifetime: 10 * time.Second,
			Options: subopt.Handover{Strictness: subopt.Global, TGT: tgt}})),
		handover(newCoA, newRouter, &fast.SHIN{Announced: fast.Announced{CareOf: atNew, HW: hw, Options: subopt.Handover{Embedded: updateFromNew()}}}),
		handover(oldRouter, newRouter, &fast.SHREP{Announced: fast.Announced{CareOf: atNew, Options: subopt.Handover{Control: subopt.Buffer,
			Context: []subopt.Context{{Kind: subopt.ContextKeys, Data: octetsFrom(0xa0, 32)}, {Kind: 9, Data: []byte("x")}}}}}),
		neighbour(router, coa, &nd.Redirect{Target: local, Destination: coa, Options: nd.Options{TargetHW: hw,
			Prefixes: []nd.Prefix{{Prefix: homeNet, OnLink: true, Autonomous: true, Valid: time.Hour, Preferred: time.Minute}},
			Handover: &subopt.Handover{Principal: subopt.Principal{Name: "mobileip/x", Realm: "R"}, Strictness: subopt.Both}}}),
		neighbour(local, ip6.AllRouters, &nd.RouterSolicitation{Options: nd.Options{SourceHW: hw,
			Handover: &subopt.Handover{Strictness: subopt.Global, RealmsWanted: true, TGT: tgt}}}),
		neighbour(router, ip6.AllNodes, &nd.RouterAdvertisement{Lifetime: time.Hour, Options: nd.Options{
			Handover: &subopt.Handover{Kerberos: []byte("\x6e\x02xy"), Realms: []string{"A.EXAMPLE", "B.EXAMPLE"}}}}),
	}
}

func handoverSamples() []sample {
	names := []string{"fast-redirect", "fast-ack", "fast-handover", "fast-error", "fast-authenticated", "fast-notification", "fast-shin", "fast-shrep",
		"fast-nd-redirect", "fast-rs", "fast-ra"}
	var list []sample
	for i, b := range everyHandover() {
		list = append(list, sample{names[i], b, false})
	}
	return append(list, sample{"fast-checksum", changed(list[0].b, len(list[0].b)-1, 9), true},
		sample{"fast-ah-length", changed(list[5].b, 41, 5), true})
}

func TestHandoverFaultsStandOnTheirFields(t *testing.T) {
	all := everyHandover()
	for _, c := range []struct {
		name, line string
		b          []byte
	}{
		{"prefix size", "Prefix Size", resumICMP(changed(all[0], 40+12, 200))},
		{"S", "Flags", resumICMP(changed(all[0], 40+13, 0xc0))},
		{"a group as router", "Access Router IPv6 Address", resumICMP(changed(all[0], 40+16, 0xff))},
		{"no EUI-64 of 48 bits", "Access Router MAC Address", resumICMP(changed(all[0], 40+32+3, 1))},
		{"length of the option", "Length", resumICMP(changed(all[0], 40+9, 99))},
		{"length of the message", "Length", resumICMP(changed(all[1], 40+16, 9))},
		{"a Binding Update from elsewhere", "Embedded Data", resumICMP(changed(all[6], 40+40+2+8, home.AsSlice()...))},
	} {
		wantMarked(t, c.name, c.line, describe.Packet(c.b))
	}
}

// What goes from router to router in a context is shown to nobody.
func TestContextsAreHidden(t *testing.T) {
	for _, n := range []int{32, 300} { // in one piece, and in two
		tree := describe.Packet(handover(oldRouter, newRouter, &fast.SHREP{Announced: fast.Announced{CareOf: atNew,
			Options: subopt.Handover{Context: []subopt.Context{{Kind: subopt.ContextKeys, Data: bytes.Repeat([]byte{0xab}, n)}}}}}))
		if text := tree.Text(); strings.Contains(text, "abab") || !strings.Contains(text, "hidden") || tree.Faults() != 0 {
			t.Error(text)
		}
	}
}

// TestTsharkStepsOver: another reader takes every packet of fast handover for whole. It knows the header only.
func TestTsharkStepsOver(t *testing.T) {
	for i, l := range tsharkLines(t, everyHandover(), "-e", "icmpv6.checksum.status", "-e", "_ws.malformed", "-e", "ah.spi") {
		want := "1\t\t"
		if i == 5 {
			want = "1\t\t0x00001001"
		}
		if l != want {
			t.Errorf("packet %d: %q, want %q", i, l, want)
		}
	}
}
