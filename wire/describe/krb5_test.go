package describe_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"roam6/wire/describe"
	"roam6/wire/ip6"
	"roam6/wire/krb5"
)

// mit gives a message that MIT Kerberos sent.
func mit(name string) []byte {
	b, err := os.ReadFile("../krb5/testdata/mit.txt")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(b)) {
		if digits, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			if b, err = hex.DecodeString(digits); err != nil {
				panic(err)
			}
			return b
		}
	}
	panic(name)
}

// overTCP is a segment to port 88.
func overTCP(b []byte) []byte {
	tcp := append([]byte{0x13, 0x8c, 0, 88, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0}, b...)
	sum := ip6.Checksum(coa, ha, ip6.ProtoTCP, tcp)
	tcp[16], tcp[17] = byte(sum>>8), byte(sum)
	return packet(ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, Proto: ip6.ProtoTCP, Payload: tcp})
}

func overUDP(b []byte) []byte {
	return packet(ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, Proto: ip6.ProtoUDP, Payload: toKDC(b)})
}

func TestKrb5(t *testing.T) {
	for name, want := range map[string][]string{ //order:any
		"as-req": {"Kerberos AS-REQ of ann@HOME.EXAMPLE for krbtgt/HOME.EXAMPLE@HOME.EXAMPLE", "PA-ENC-TIMESTAMP", "PA-REQ-ENC-PA-REP", "encrypted, ", "forwardable", "20 (aes256-cts-hmac-sha384-192)",
			"2 (NT-SRV-INST)", "till", "UTC"},
		"krb-error-preauth": {"Kerberos KRB-ERROR KDC_ERR_PREAUTH_REQUIRED", "25 (KDC_ERR_PREAUTH_REQUIRED)", "PA-ETYPE-INFO2", "salt", `"HOME.EXAMPLEann"`, "e-text"},
		"as-rep":            {"Kerberos AS-REP to ann@HOME.EXAMPLE, ticket for krbtgt/HOME.EXAMPLE@HOME.EXAMPLE", "enc-part", "kvno"},
		"u2u-req":           {"Kerberos TGS-REQ", "enc-tkt-in-skey", "additional-tickets", "PA-TGS-REQ", "authenticator", "ap-options"},
		"fast-as-req":       {"PA-FX-FAST", "armor-value", "req-checksum", "enc-fast-req"},
		"fast-as-rep":       {"PA-FX-FAST", "enc-fast-rep"},
		"pkinit-req":        {"PA-PK-AS-REQ", "octets)"},
		"ap-req":            {"Kerberos AP-REQ to mobileip/ar1.home.example@HOME.EXAMPLE", "mutual-required", "tkt-vno", "5"},
		"ap-rep":            {"Kerberos AP-REP", "15 (AP-REP)", "encrypted, "},
	} {
		b := mit(name)
		trees := map[string]describe.Tree{"alone": describe.Reader{}.As(describe.KindKrb5, b), "TCP": describe.Packet(overTCP(krb5.AppendFrame(nil, b)))}
		if len(b) < 1200 {
			trees["UDP"] = describe.Packet(overUDP(b))
		}
		for how, tree := range trees { //order:any
			text := tree.Summary() + "\n" + tree.Text()
			if !tree.Has("krb5") || tree.Faults() > 0 {
				t.Errorf("%s %s: %s", how, name, text)
			}
			for _, want := range want {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s: no %q in %s", how, name, want, text)
				}
			}
			if strings.Contains(text, "unreadable") || strings.Contains(text, "padata-value  30") {
				t.Errorf("%s %s: %s", how, name, text)
			}
		}
	}
}

// The field that is wrong has the fault; a message cut by the end of a segment has none.
func TestKrb5Faults(t *testing.T) {
	b := mit("as-req")
	at := bytes.Index(b, []byte("HOME.EXAMPLE")) - 4
	for _, c := range []struct {
		name, line string
		b          []byte
	}{
		{"pvno", "pvno", changed(b, 10, 6)}, {"msg-type", "msg-type", changed(b, 15, 12)}, {"realm", "realm", changed(b, at+4, 0)}, {"tag", "realm at octet", changed(b, at, 0xa1)},
		{"no message", "msg-type", []byte{0x7f, 1, 2, 3}}, {"nothing", "msg-type", nil},
	} {
		wantMarked(t, c.name, c.line, describe.Krb5(c.b))
	}
	for n := range b {
		if tree := describe.Krb5(b[:n]); tree.Faults() == 0 {
			t.Errorf("cut at %d: no fault\n%s", n, tree.Text())
		}
	}
	frame := krb5.AppendFrame(nil, b)
	if tree := describe.Packet(overTCP(frame[:100])); tree.Faults() > 0 || !tree.Has("krb5") {
		t.Errorf("the beginning of a message: %s", tree.Text())
	}
	if tree := describe.Packet(overTCP(frame[100:])); tree.Faults() > 0 || tree.Has("krb5") {
		t.Errorf("the middle of a message: %s", tree.Text())
	}
}

func krbSamples() []sample {
	return []sample{{"krb5-as-req", overUDP(mit("as-req")), false}, {"krb5-error", overUDP(mit("krb-error-preauth")), false}, {"krb5-ap-req", overTCP(krb5.AppendFrame(nil, mit("ap-req"))), false}}
}
