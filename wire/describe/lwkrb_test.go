package describe_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"roam6/wire/describe"
	"roam6/wire/ip6"
	"roam6/wire/lwkrb"
)

var (
	lwTicket  = lwkrb.Ticket{Key: lwkrb.KeyName{Principal: "krbtgt/A.EXAMPLE@HOME.EXAMPLE", KVNO: 3, EType: 18}, Sealed: octetsFrom(0x20, 140)}
	lwRequest = &lwkrb.Request{ID: 0x01020304, Ticket: lwTicket, Authenticator: octetsFrom(0x40, 80)}
	lwError   = &lwkrb.Error{ID: 0x01020304, Code: lwkrb.Skew, Time: time.Unix(1_800_000_000, 0)}
)

func TestLwkrb(t *testing.T) { //spec FH-04 FH-10
	authentic := *lwError
	authentic.MAC = octetsFrom(0x60, 16)
	for _, c := range []struct {
		m    lwkrb.Message
		want []string
	}{
		{lwRequest, []string{"lwkerb-ap-req id 0x01020304 ticket for krbtgt/A.EXAMPLE@HOME.EXAMPLE", "Key version", "18 (aes256-cts-hmac-sha1-96)", "sealed, 100 octets inside", "sealed, 40 octets inside", "Nonce"}},
		{&lwkrb.Reply{ID: 7, Sealed: octetsFrom(0x40, 54)}, []string{"lwkerb-ap-rep id 0x00000007", "sealed, 14 octets inside"}},
		{lwError, []string{"lwkerb-error id 0x01020304 clocks differ too much (a hint)", "37 (clocks differ too much)", "2027-01-15 08:00:00 UTC"}},
		{&authentic, []string{"clocks differ too much", "MAC", "6061"}},
		{&lwkrb.OpenRequest{ID: 8, Key: lwTicket.Key, Sealed: octetsFrom(0, 400)}, []string{"lwkerb-open-req id 0x00000008 under the key of krbtgt/A.EXAMPLE@HOME.EXAMPLE", "sealed, 360 octets inside"}},
		{&lwkrb.OpenReply{ID: 8, Sealed: octetsFrom(0, 200)}, []string{"lwkerb-open-rep id 0x00000008", "sealed, 160 octets inside"}},
	} {
		b := c.m.Append(nil)
		alone := describe.Reader{}.As(describe.KindLwkrb, b)
		datagram := describe.Packet(packet(ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, Proto: ip6.ProtoUDP, Payload: toKDC(b)}))
		for name, tree := range map[string]describe.Tree{"alone": alone, "UDP": datagram} { //order:any
			text := tree.Summary() + "\n" + tree.Text()
			if !tree.Has("lwkrb") || tree.Faults() > 0 {
				t.Errorf("%s: %s", name, text)
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%s: no %q in %s", name, want, text)
				}
			}
		}
		if c.m.Type() != lwkrb.TypeError && strings.Contains(alone.Summary(), "hint") || c.m == lwkrb.Message(&authentic) && strings.Contains(alone.Summary(), "hint") {
			t.Error(alone.Summary())
		}
	}
}

func lwkrbSamples() []sample {
	in := func(b []byte) []byte {
		return packet(ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, Proto: ip6.ProtoUDP, Payload: toKDC(b)})
	}
	open := (&lwkrb.OpenRequest{ID: 8, Key: lwTicket.Key, Sealed: octetsFrom(0, 400)}).Append(nil)
	return []sample{{"lwkrb-open-req", in(open), false}, {"lwkrb-error", in(lwError.Append(nil)), false}, {"lwkrb-cut", in(lwRequest.Append(nil)[:60]), true}}
}

// toKDC is a UDP datagram to port 88.
func toKDC(b []byte) []byte {
	n := 8 + len(b)
	u := append([]byte{0x13, 0x8c, 0, 88, byte(n >> 8), byte(n), 0, 0}, b...)
	sum := ip6.Checksum(coa, ha, ip6.ProtoUDP, u)
	u[6], u[7] = byte(sum>>8), byte(sum)
	return u
}

func TestLwkrbFaults(t *testing.T) {
	b := lwRequest.Append(nil)
	for _, c := range []struct {
		name, line string
		b          []byte
	}{
		{"version", "Version", changed(b, 0, 2)}, {"type", "Type", changed(b, 1, 9)}, {"length", "Length", changed(b, 3, 0)},
		{"principal", "Principal", changed(b, 9, '@')}, {"encryption type", "Encryption type", changed(b, 42, 1)}, {"ticket", "length(Ticket)", changed(b, 44, 3)},
		{"more", "end", changed(append((&lwkrb.Error{Code: 1, Time: time.Unix(1, 0), MAC: octetsFrom(0, 16)}).Append(nil), 0), 3, 31)},
	} {
		wantMarked(t, c.name, c.line, describe.Lwkrb(c.b))
	}
	for n := range b { // cut anywhere, nothing panics and the fault is shown
		if tree := describe.Lwkrb(b[:n]); tree.Faults() == 0 {
			t.Errorf("cut at %d: no fault\n%s", n, tree.Text())
		}
		for k := range 10 {
			describe.Lwkrb(changed(bytes.Clone(b[:n]), min(k, max(0, n-1)), bytes.Repeat([]byte{5}, min(1, n))...))
		}
	}
}
