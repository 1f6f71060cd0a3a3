package describe_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/wire/access"
	"roam6/wire/describe"
	"roam6/wire/eap"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

func octetsFrom(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// accessRequest is what a mobile node with nothing but a NAI and a key asks for.
func accessRequest() *access.Request {
	return &access.Request{NAI: "mn1@home.example", CareOf: coa, LocalChallenge: octetsFrom(1, 8), HostChallenge: octetsFrom(2, 16),
		Auth: octetsFrom(3, 16), Features: access.HomeAgentRequested | access.HomeAddressRequested, EAP: []byte{2, 7, 0, 6, 1, 'x'}, Keys: []access.KeyRequest{
			{Use: access.HomeAgent, Methods: access.Random, SPI: 256},
			{Use: access.AccessRouter, Methods: access.Random | access.DiffieHellman, SPI: 257, Public: octetsFrom(4, 32)}}}
}

func accessReply() *access.Reply {
	return &access.Reply{Result: 2001, Auth: octetsFrom(5, 16), Lifetime: time.Hour, Binding: bindingAck(), EAP: []byte{3, 7, 0, 4}, Keys: []access.KeyData{
		{Use: access.HomeAgent, Method: access.Random, Algorithm: access.AESGCM, SPI: 512, Lifetime: time.Hour, Value: octetsFrom(6, 32)},
		{Use: access.AccessRouter, Method: access.DiffieHellman, Algorithm: access.AESGCM, SPI: 513, Lifetime: time.Minute, Value: octetsFrom(7, 32),
			MAC: octetsFrom(8, 16)}}}
}

// accessParts are the packets of a message between the mobile node and the AAA client.
func accessParts(m access.Message) (out [][]byte) {
	src, dst := coa, cn
	if m.Subtype() == access.SubtypeReply {
		src, dst = dst, src
	}
	for _, p := range access.Split(m, 0x1234) {
		out = append(out, packet(ip6.Packet{Header: ip6.Header{Src: src, Dst: dst, HopLimit: access.HopLimit}, Proto: ip6.ProtoICMPv6, Payload: p.Append(nil, src, dst)}))
	}
	return out
}

func accessAdvertisement() []byte {
	return neighbour(router, ip6.AllNodes, &nd.RouterAdvertisement{Lifetime: time.Hour, Options: nd.Options{
		MTU: 1500, Access: &nd.Access{LocalChallenge: octetsFrom(1, 8), Network: "visited.example", Client: cn}}})
}

// longRequest takes several parts.
func longRequest() *access.Request {
	r := accessRequest()
	r.EAP = octetsFrom(0, 2000)
	copy(r.EAP, []byte{2, 7, 2000 >> 8, 2000 & 0xff})
	return r
}

func accessSamples() []sample {
	request, update := accessParts(accessRequest())[0], accessRequest()
	update.Binding = bindingUpdate()
	method := accessRequest()
	method.EAP, method.Keys = gpskPacket(eap.Response, gpskTwo), nil
	return []sample{
		{"access-ra", accessAdvertisement(), false},
		{"access-request", request, false},
		{"access-request-bu", accessParts(update)[0], false},
		{"access-request-eap", accessParts(method)[0], false},
		{"access-request-part", accessParts(longRequest())[1], false},
		{"access-reply", accessParts(accessReply())[0], false},
		{"access-checksum", changed(request, len(request)-1, 0xbb), true},
	}
}

// resumICMP writes the checksum of a message that was changed.
func resumICMP(b []byte) []byte {
	p, err := ip6.Parse(b)
	if err != nil {
		panic(err)
	}
	p.Payload[2], p.Payload[3] = 0, 0
	sum := ip6.Checksum(p.Src, p.Dst, p.Proto, p.Payload)
	p.Payload[2], p.Payload[3] = byte(sum>>8), byte(sum)
	return b
}

func TestAccessFaultsStandOnTheirFields(t *testing.T) {
	request, reply := accessParts(accessRequest())[0], accessParts(accessReply())[0]
	for _, c := range []struct {
		name, line string
		b          []byte
	}{
		{"part 1 of 1", "Part ", resumICMP(changed(request, 40+10, 1))},
		{"length", "its Length is 1", resumICMP(changed(request, 40+16+1, 1))},
		{"a challenge of 7 octets", "Local Challenge", resumICMP(changed(changed(request, 40+16+1, 9), 40+16+9, 0))},
		{"no such method", "Method", resumICMP(changed(request, bytes.LastIndex(request, []byte{40, 2, 3, 0})+2, 8))},
		{"key of no algorithm", "Algorithm", resumICMP(changed(reply, bytes.Index(reply, []byte{44, 1, 1, 1})+3, 9))},
	} {
		wantMarked(t, c.name, c.line, describe.Packet(c.b))
	}
}

// Another's experiment in an advertisement is shown as it is, and no fault.
func TestOtherExperimentIsNoFault(t *testing.T) {
	tree := describe.Packet(neighbour(router, ip6.AllNodes, &nd.RouterAdvertisement{Options: nd.Options{Unknown: []nd.RawOption{{Type: nd.OptExperiment, Data: octetsFrom(0xf0, 6)}}}}))
	if text := tree.Text(); tree.Faults() != 0 || !strings.Contains(text, "option 253") || !strings.Contains(text, "f0f1f2f3f4f5") {
		t.Error(text)
	}
}

func TestOtherSubtypesOfMobilityAreShown(t *testing.T) {
	tree := describe.ICMP([]byte{access.Type, 0, 0, 0, 1, 0, 0, 0})
	if text := tree.Text(); !strings.Contains(text, "150 (Experimental Mobility Message)") || !strings.Contains(text, "Message Body") {
		t.Error(text)
	}
}

// TestTsharkSeesNothingMalformed: another reader takes every packet of access for whole. It knows the header only.
func TestTsharkSeesNothingMalformed(t *testing.T) {
	var packets [][]byte
	for _, s := range accessSamples() {
		if !s.faults {
			packets = append(packets, s.b)
		}
	}
	packets = slices.Concat(packets, accessParts(longRequest()))
	for i, l := range tsharkLines(t, packets, "-e", "icmpv6.type", "-e", "icmpv6.checksum.status", "-e", "_ws.malformed") {
		want := "150\t1\t"
		if i == 0 {
			want = "134\t1\t"
		}
		if l != want {
			t.Errorf("packet %d: %q, want %q", i, l, want)
		}
	}
}
