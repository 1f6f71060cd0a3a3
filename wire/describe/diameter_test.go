package describe_test

import (
	"slices"
	"strings"
	"testing"

	"roam6/wire/describe"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// registered is an AA-Registration-Answer with a key in it.
func registered() []byte {
	var b diameter.Builder
	return b.Answer(diameter.Header{Command: diameter.AARegistration, App: diameter.AppMobileIPv6AAA, Flags: diameter.Proxiable, HopByHop: 1, EndToEnd: 2}, diameter.Success).
		Uint32(diameter.MIPv6FeatureVector, 17).Addr(diameter.MIPv6HomeAgentAddress, ha).
		Group(diameter.KeyDistribution, func(b *diameter.Builder) {
			b.Uint32(diameter.KeyType, diameter.KeyTypeMNAR).Bytes(diameter.KeyMaterial, []byte("do not show this to anybody at all"))
		}).Done()
}

// TestDiameter wants names, flags, groups, and no key in what is shown.
func TestDiameter(t *testing.T) { //spec DM-02 DM-03
	tree := describe.Reader{}.As(describe.KindDiameter, registered())
	text := tree.Text()
	for _, want := range []string{
		"Diameter AA-Registration-Answer", "16809689 (Mobile-IPv6-AAA)", "2001 DIAMETER_SUCCESS", "MIPv6-Home-Agent-Address",
		"17 (Home-Agent-Requested, Visited-Home-Agent-Available)", ha.String(), "Key-Distribution", "2 (MN_AR)", "(secret, 34 octets)",
		"5005 DIAMETER_MISSING_AVP: Key-Method is missing",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "646f206e6f74") || strings.Contains(text, "do not") {
		t.Errorf("a key is shown:\n%s", text)
	}
}

// TestDiameterStream shows several messages, in a TCP segment and by themselves; the AVP whose length lies is the one with the fault.
func TestDiameterStream(t *testing.T) {
	var b diameter.Builder
	watchdog := slices.Clone(b.Request(diameter.DeviceWatchdog, 0, 0).Text(diameter.OriginHost, "a").Text(diameter.OriginRealm, "b").Done())
	tree := describe.Diameter(slices.Concat(watchdog, watchdog))
	if tree.Faults() > 0 || len(tree.Kids) != 2 {
		t.Errorf("%s", tree.Text())
	}
	tcp := append([]byte{0x9c, 0x40, 0x0f, 0x1c, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0}, watchdog...)
	sum := ip6.Checksum(coa, ha, ip6.ProtoTCP, tcp)
	tcp[16], tcp[17] = byte(sum>>8), byte(sum)
	whole := describe.Packet(packet(ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, Proto: ip6.ProtoTCP, Payload: tcp}))
	if whole.Faults() > 0 || !whole.Has("diameter") || !strings.Contains(whole.Summary(), "Diameter Device-Watchdog-Request") {
		t.Errorf("%s", whole.Text())
	}
	for n := 60; n < 60+len(watchdog); n++ { // a segment with the beginning of a message is no fault
		part := describe.Reader{}.As(describe.KindIP, packet(ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, Proto: ip6.ProtoTCP, Payload: resegment(tcp[:n-40])}))
		if part.Faults() > 0 {
			t.Errorf("%d octets: %s", n, part.Text())
		}
	}
	lying := slices.Clone(watchdog)
	lying[diameter.HeaderLen+7] = 0xff
	if tree := describe.Diameter(lying); !strings.Contains(tree.Summary(), "Origin-Host: AVP Length says 255 octets") {
		t.Errorf("%s", tree.Text())
	}
	for n := range registered() {
		_ = describe.Diameter(registered()[:n])
	}
}

// resegment gives a TCP segment its checksum.
func resegment(tcp []byte) []byte {
	tcp = slices.Clone(tcp)
	tcp[16], tcp[17] = 0, 0
	sum := ip6.Checksum(coa, ha, ip6.ProtoTCP, tcp)
	tcp[16], tcp[17] = byte(sum>>8), byte(sum)
	return tcp
}
