package describe_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"roam6/wire/describe"
	"roam6/wire/ip6"
)

// What stands around the payload in ESP with AES-GCM: SPI, sequence number and IV before it, the ICV behind its trailer.
const (
	espHead = 16
	espICV  = 16
)

// clearText opens ESP that encrypts nothing: the payload is there as it is.
func clearText(b []byte) (describe.Opened, error) {
	end := len(b) - espICV
	pad := int(b[end-2])
	if end-2-pad < espHead {
		return describe.Opened{}, errors.New("padding")
	}
	return describe.Opened{At: espHead, Next: b[end-1], Payload: b[espHead : end-2-pad], Whose: "nobody's"}, nil
}

// clearESP is a packet from the mobile node for clearText.
func clearESP(next uint8, payload []byte) []byte {
	b := append(append([]byte{0, 0, 3, 1, 0, 0, 0, 42}, make([]byte, 8)...), payload...)
	b = append(append(b, 1, 2, 2, next), make([]byte, espICV)...)
	return packet(ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, HomeAddress: home, Proto: ip6.ProtoESP, Payload: b})
}

func TestOpened(t *testing.T) {
	r := describe.Reader{Open: clearText}
	update := bindingUpdate()[64:] // behind the fixed header and the Home Address option
	tree := r.As(describe.KindIP, clearESP(ip6.ProtoMH, update))
	want := "2001:db8:2::5 → 2001:db8:1::1 (home address 2001:db8:1::5) | ESP SPI 0x00000301 seq 42, opened | Binding Update seq 7 AH"
	if !strings.HasPrefix(tree.Summary(), want) || tree.Faults() != 0 || !tree.Has("mh") {
		t.Fatalf("%s\n%s", tree.Summary(), tree.Text())
	}
	compare(t, "esp-opened", tree.Summary()+"\n\n"+tree.Text())

	bad := bytes.Clone(update)
	bad[len(bad)-1] ^= 1
	if tree := r.As(describe.KindIP, clearESP(ip6.ProtoMH, bad)); !strings.Contains(tree.Summary(), "!! Checksum") {
		t.Errorf("what was opened is not judged: %s", tree.Summary())
	}
	if tree := describe.Packet(clearESP(ip6.ProtoMH, update)); tree.Has("mh") || tree.Faults() != 0 {
		t.Errorf("opened without an Opener: %s", tree.Summary())
	}
}

// A tunnel in ESP and ESP in a tunnel are shown; ESP directly in ESP is not, or a packet of nothing else would nest without a bound.
func TestOpenedNesting(t *testing.T) {
	r := describe.Reader{Open: clearText}
	inner := clearESP(ip6.ProtoIPv6, datagram(cn, home))
	tree := r.As(describe.KindIP, packet(ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, Proto: ip6.ProtoIPv6, Payload: inner}))
	if !tree.Has("udp") || tree.Faults() != 0 {
		t.Errorf("tunnels: %s\n%s", tree.Summary(), tree.Text())
	}
	tree = r.As(describe.KindIP, clearESP(ip6.ProtoESP, clearESP(ip6.ProtoMH, bindingUpdate()[64:])[64:]))
	if tree.Has("mh") || strings.Count(tree.Summary(), "opened") != 1 {
		t.Errorf("ESP in ESP: %s", tree.Summary())
	}
}

func TestNotOpened(t *testing.T) {
	b := clearESP(ip6.ProtoMH, bindingUpdate()[64:])
	about := control(ha, coa, unreachable(b))
	broken := errors.New("integrity check failed")
	for _, c := range []struct {
		name   string
		b      []byte
		err    error
		want   string // in the summary
		faults int
	}{
		{"no key", b, describe.ErrNoKey, "seq 42, not opened: no key for this SPI", 0},
		{"wrong key", b, broken, "!! encrypted: not opened: integrity check failed", 1},
		{"in an error", about, broken, "not opened: it is not all here", 0},
	} {
		tree := describe.Reader{Open: func([]byte) (describe.Opened, error) { return describe.Opened{}, c.err }}.As(describe.KindIP, c.b)
		if !strings.Contains(tree.Summary(), c.want) || tree.Faults() != c.faults || tree.Has("mh") {
			t.Errorf("%s: %s\n%s", c.name, tree.Summary(), tree.Text())
		}
	}
	lies := describe.Reader{Open: func(b []byte) (describe.Opened, error) {
		return describe.Opened{At: espHead, Next: 59, Payload: make([]byte, len(b))}, nil
	}}
	if tree := lies.As(describe.KindIP, b); tree.Faults() != 1 {
		t.Errorf("a payload longer than the packet: %s", tree.Summary())
	}
}
