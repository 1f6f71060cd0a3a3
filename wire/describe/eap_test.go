package describe_test

import (
	"bytes"
	"strings"
	"testing"

	"roam6/wire/describe"
	"roam6/wire/diameter"
	"roam6/wire/eap"
)

// registering is an AA-Registration-Request with an EAP packet in it.
func registering(packet []byte) []byte {
	var b diameter.Builder
	return b.Request(diameter.AARegistration, diameter.AppMobileIPv6AAA, diameter.Proxiable).Bytes(diameter.EAPPayload, packet).Done()
}

func gpskPacket(code eap.Code, m eap.GPSKMessage) []byte {
	return eap.Packet{Code: code, ID: 4, Method: eap.GPSK, Data: m.Append(nil)}.Append(nil)
}

var (
	gpskOne = &eap.GPSK1{Server: []byte("aaah.example"), RandServer: [32]byte(octetsFrom(0x40, 32)), Suites: []eap.Suite{eap.SHA256, {Vendor: 9, Specifier: 7}}}
	gpskTwo = &eap.GPSK2{Peer: []byte("mn1@home.example"), Server: []byte("aaah.example"), RandPeer: [32]byte(octetsFrom(0x20, 32)), RandServer: [32]byte(octetsFrom(0x40, 32)),
		Suites: []eap.Suite{eap.SHA256, eap.AES}, Suite: eap.SHA256, Protected: []byte{0, 0}, MAC: octetsFrom(0x80, 32)}
	gpskThree = &eap.GPSK3{RandPeer: [32]byte(octetsFrom(0x20, 32)), RandServer: [32]byte(octetsFrom(0x40, 32)), Server: []byte("aaah.example"), Suite: eap.AES, MAC: octetsFrom(0x80, 16)}
)

func TestEAP(t *testing.T) { //spec DM-06
	for _, c := range []struct {
		packet []byte
		want   []string
	}{
		{eap.Packet{Code: eap.Success, ID: 4}.Append(nil), []string{"EAP Success id 4", "Code", "3 (Success)", "Length"}},
		{eap.Packet{Code: eap.Response, ID: 1, Method: eap.Identity, Data: []byte("mn1@home.example")}.Append(nil),
			[]string{"EAP Response/Identity id 1", "Type", "Identity", `"mn1@home.example"`}},
		{eap.Packet{Code: eap.Request, ID: 1, Method: eap.Notification, Data: []byte("hello")}.Append(nil), []string{"EAP Request/Notification id 1", `"hello"`}},
		{eap.Packet{Code: eap.Request, ID: 2, Method: eap.MD5, Data: []byte{1, 2}}.Append(nil), []string{"EAP Request/MD5-Challenge id 2", "Type-Data", "0102"}},
		{eap.Packet{Code: eap.Request, ID: 2}.Refuse(eap.GPSK, eap.TLS).Append(nil), []string{"EAP Response/Nak id 2", "Desired types", "EAP-GPSK, EAP-TLS"}},
		{eap.Packet{Code: eap.Request, ID: 2, Expanded: true}.Refuse().Append(nil), []string{"EAP Response/Nak id 2", "none"}},
		{gpskPacket(eap.Request, gpskOne), []string{"EAP Request/GPSK-1 id 4", "EAP-GPSK", `"aaah.example"`, "RAND_Server", "404142", "HMAC-SHA256, suite 7 of vendor 9"}},
		{gpskPacket(eap.Response, gpskTwo), []string{"EAP Response/GPSK-2 id 4", "ID_Peer", `"mn1@home.example"`, "RAND_Peer", "CSuite_Sel", "PD_Payload_Block", "MAC", "8081"}},
		{gpskPacket(eap.Request, gpskThree), []string{"EAP Request/GPSK-3 id 4", "AES-CMAC-128", "MAC"}},
		{gpskPacket(eap.Response, &eap.GPSK4{MAC: octetsFrom(0x80, 32)}), []string{"EAP Response/GPSK-4 id 4"}},
		{gpskPacket(eap.Request, &eap.GPSKFail{Failure: 2}), []string{"EAP Request/GPSK-Fail id 4", "2 (Authentication Failure)"}},
		{gpskPacket(eap.Request, &eap.GPSKProtectedFail{Failure: 3, MAC: octetsFrom(0x80, 16)}), []string{"GPSK-Protected-Fail", "3 (Authorization Failure)", "MAC"}},
	} {
		inDiameter := describe.Diameter(registering(c.packet))
		r := accessRequest()
		r.EAP = c.packet
		var inAccess describe.Tree
		if len(c.packet) < 250 {
			inAccess = describe.Packet(accessParts(r)[0])
		}
		for name, tree := range map[string]describe.Tree{"Diameter": inDiameter, "access": inAccess} { //order:any
			if !tree.Has("eap") || tree.Name == "" {
				t.Errorf("%s of %x shows no EAP", name, c.packet)
			}
			text := tree.Text()
			for _, want := range c.want {
				if !strings.Contains(text+tree.Summary(), want) {
					t.Errorf("%s: no %q in %s\n%s", name, want, tree.Summary(), text)
				}
			}
		}
	}
}

// What is wrong in a packet stands on its field.
func TestEAPFaults(t *testing.T) {
	one := gpskPacket(eap.Request, gpskOne)
	for _, c := range []struct {
		name, line string
		packet     []byte
	}{
		{"code", "Code", changed(one, 0, 9)},
		{"length", "Length", changed(one, 3, byte(len(one)+1))},
		{"no type", "EAP ", []byte{1, 2, 0, 4}},
		{"OP-Code", "OP-Code", changed(one, 5, 9)},
		{"identity that is longer than the packet", "ID_Server", changed(one, 7, 200)},
		{"suites", "length(CSuite_List)", changed(one, len(one)-13, 11)},
		{"empty Nak", "EAP ", []byte{2, 2, 0, 5, 3}},
	} {
		wantMarked(t, c.name, c.line, describe.Diameter(registering(c.packet)))
	}
	for n := range len(one) { // cut anywhere, nothing panics and the fault is shown
		if tree := describe.Diameter(registering(one[:n])); n > 0 && tree.Faults() == 0 {
			t.Errorf("cut at %d: no fault", n)
		}
		cut := bytes.Clone(one[:n])
		if n > 4 {
			cut[2], cut[3] = 0, byte(n)
			if tree := describe.Diameter(registering(cut)); tree.Faults() == 0 {
				t.Errorf("cut at %d with its length: no fault\n%s", n, tree.Text())
			}
		}
	}
}

// Pieces of a packet that is split over suboptions are shown as octets.
func TestEAPInPiecesIsNoFault(t *testing.T) {
	for _, part := range accessParts(longRequest()) {
		if tree := describe.Packet(part); tree.Faults() > 0 || tree.Has("eap") {
			t.Errorf("%s", tree.Text())
		}
	}
	for n := 250; n < 262; n++ {
		r := accessRequest()
		r.EAP = eap.Packet{Code: eap.Response, Method: eap.Identity, Data: bytes.Repeat([]byte("\x02"), n-5)}.Append(nil)
		tree := describe.Packet(accessParts(r)[0])
		if tree.Faults() > 0 || tree.Has("eap") != (n < 253) {
			t.Errorf("%d octets: %v\n%s", n, tree.Has("eap"), tree.Text())
		}
	}
}
