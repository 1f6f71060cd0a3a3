package correspond

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Every refusal has its reason, its answer or silence, and leaves all as it was.
//
// spec MIP-04
func TestRefusals(t *testing.T) {
	good := update{hoa: hoa, coa: coa, seq: 9, lifetime: time.Minute}
	with := func(f func(*mh.BindingUpdate)) update { u := good; u.edit = f; return u }
	for _, c := range []struct {
		name   string
		p      func(tokens) ip6.Packet
		reason string
		status mh.Status // of the answer; 0 for silence
	}{
		{"HoTI with a home address option", func(tokens) ip6.Packet {
			p := plain(hoa, &mh.HomeTestInit{})
			p.Src, p.HomeAddress = coa, hoa
			return p
		}, WithHomeAddress, 0},
		{"CoTI with a home address option", func(tokens) ip6.Packet {
			p := plain(hoa, &mh.CareOfTestInit{})
			p.Src, p.HomeAddress = coa, hoa
			return p
		}, WithHomeAddress, 0},
		{"HoTI behind a routing header", func(tokens) ip6.Packet {
			p := plain(hoa, &mh.HomeTestInit{})
			p.Routing2, p.Dst = self, coa2
			return p
		}, WithRouting, 0},
		{"HoTI from nobody", func(tokens) ip6.Packet { return plain(netip.IPv6Unspecified(), &mh.HomeTestInit{}) }, Misaddressed, 0},
		{"HoTI from a multicast address", func(tokens) ip6.Packet { return plain(ip6.AllNodes, &mh.HomeTestInit{}) }, Misaddressed, 0},
		{"CoTI from a link-local address", func(tokens) ip6.Packet { return plain(netip.MustParseAddr("fe80::1"), &mh.CareOfTestInit{}) }, Misaddressed, 0},
		{"HoTI from ourselves", func(tokens) ip6.Packet { return plain(self, &mh.HomeTestInit{}) }, Misaddressed, 0},
		{"HoT", func(tokens) ip6.Packet { return plain(hoa, &mh.HomeTest{}) }, Unexpected, 0},
		{"home registration", with(func(bu *mh.BindingUpdate) { bu.Home = true }).packet, HomeRegistering, 0},
		{"no nonce indices", with(func(bu *mh.BindingUpdate) { bu.Options.Nonces = nil }).packet, Unauthorised, 0},
		{"no authenticator", with(func(bu *mh.BindingUpdate) { bu.Options.BindingAuth = nil }).packet, Unauthorised, 0},
		{"long authenticator", with(func(bu *mh.BindingUpdate) { bu.Options.BindingAuth = make([]byte, 20) }).packet, Unauthorised, 0},
		{"another authentication", with(func(bu *mh.BindingUpdate) {
			bu.Options.Auth = &mh.Auth{Subtype: mh.AuthMNHA, SPI: 256, Data: make([]byte, 12)}
		}).packet, Unauthorised, 0},
		{"our home address", update{hoa: self, coa: coa, seq: 9, lifetime: time.Minute}.packet, BadHome, 0},
		{"our care-of address", update{hoa: hoa, coa: self, src: coa, seq: 9, lifetime: time.Minute}.packet, BadCareOf, 0},
		{"home as care-of address", update{hoa: hoa, coa: hoa, src: coa, seq: 9, lifetime: time.Minute}.packet, BadCareOf, 0},
		{"multicast care-of address", update{hoa: hoa, coa: ip6.AllNodes, src: coa, seq: 9, lifetime: time.Minute}.packet, BadCareOf, 0},
		{"another care-of address", func(tk tokens) ip6.Packet { p := good.packet(tk); p.Src = coa2; return p }, Mismatch, 0},
		{"another home address", func(tk tokens) ip6.Packet { u := good; u.hoa = coa2; return u.packet(tk) }, Mismatch, 0},
		{"home token as care-of token", func(tk tokens) ip6.Packet { tk.careOf = tk.home; return good.packet(tk) }, Mismatch, 0},
		{"removal signed with both tokens", func(tk tokens) ip6.Packet {
			u := good
			u.edit = func(bu *mh.BindingUpdate) { bu.Lifetime = 0 }
			return u.packet(tk)
		}, Mismatch, 0},
		{"old home nonce", func(tk tokens) ip6.Packet { tk.index.Home -= 8; return good.packet(tk) }, NonceUnknown, mh.ExpiredHomeNonce},
		{"old care-of nonce", func(tk tokens) ip6.Packet { tk.index.CareOf -= 8; return good.packet(tk) }, NonceUnknown, mh.ExpiredCareOfNonce},
		{"nonce to come", func(tk tokens) ip6.Packet { tk.index.CareOf++; return good.packet(tk) }, NonceUnknown, mh.ExpiredCareOfNonce},
		{"old nonces", func(tk tokens) ip6.Packet { tk.index.Home--; tk.index.CareOf--; return good.packet(tk) }, NonceUnknown, mh.ExpiredNonces},
		{"removal with an old nonce", func(tk tokens) ip6.Packet {
			tk.index.Home--
			return update{hoa: hoa, coa: coa, seq: 9}.packet(tk)
		}, NonceUnknown, mh.ExpiredHomeNonce},
		{"same sequence number", func(tk tokens) ip6.Packet { u := good; u.seq = 8; return u.packet(tk) }, OutOfSequence, mh.SequenceOutOfWindow},
		{"half a circle ahead", func(tk tokens) ip6.Packet { u := good; u.seq = 8 + 32768; return u.packet(tk) }, OutOfSequence, mh.SequenceOutOfWindow},
		{"removal out of sequence", update{hoa: hoa, coa: coa, seq: 7}.packet, OutOfSequence, mh.SequenceOutOfWindow},
	} {
		b := newBench(t, Config{})
		tk := b.bind(update{hoa: hoa, coa: coa, seq: 8, lifetime: time.Minute})
		before := dump(b.n)
		a, drops := b.hear(c.p(tk))
		if !slices.Equal(drops, []string{c.reason}) || a.Fact.Kind != Nothing {
			t.Errorf("%s: drops %v, want %q; fact %+v", c.name, drops, c.reason, a.Fact)
		}
		if after := dump(b.n); after != before {
			t.Errorf("%s: was\n%s\nis\n%s", c.name, before, after)
		}
		if (a.Packet != nil) != (c.status != 0) || a.Unproven != (c.status != 0) {
			t.Errorf("%s: answered %x, unproven %v", c.name, a.Packet, a.Unproven)
			continue
		}
		if c.status != 0 {
			_, m := b.read(a.Packet)
			ba := m.(*mh.BindingAck)
			nonces := c.status != mh.SequenceOutOfWindow
			if ba.Status != c.status || (ba.Options.BindingAuth == nil) != nonces || !nonces && ba.Seq != 8 || nonces && ba.Seq != 9 {
				t.Errorf("%s: %+v", c.name, ba)
			}
		}
	}
}

// Several care-of addresses in one update are for home agents (RFC 5648 §6.2); the number of a single one changes nothing.
//
// spec MIP-08
func TestSeveralCareOfs(t *testing.T) {
	for n, want := range []mh.Status{mh.Accepted, mh.Accepted, mh.MCOABulkProhibited} {
		b := newBench(t, Config{})
		u := update{hoa: hoa, coa: coa, seq: 9, lifetime: time.Minute}
		u.edit = func(bu *mh.BindingUpdate) {
			bu.Ack = true
			for i := range n {
				bu.Options.Bindings = append(bu.Options.Bindings, mh.BindingID{ID: uint16(1 + i), CareOf: coa})
			}
		}
		tk := b.test(hoa, coa)
		before := dump(b.n)
		a, drops := b.hear(u.packet(tk))
		if a.Packet == nil {
			t.Fatalf("%d identifiers: no answer, %v", n, drops)
		}
		_, m := b.read(a.Packet)
		if got := m.(*mh.BindingAck).Status; got != want || (want != mh.Accepted) != (dump(b.n) == before) {
			t.Errorf("%d identifiers: %v, want %v", n, got, want)
		}
	}
}

// A fragment is nothing to decide about.
func TestFragment(t *testing.T) {
	b := newBench(t, Config{})
	p := plain(hoa, &mh.HomeTestInit{})
	p.Fragment = &ip6.Fragment{More: true}
	if a := b.n.Heard(at(0), &p, &mh.HomeTestInit{}, &b.out); a.Packet != nil || b.drops()[0] != Fragmented {
		t.Errorf("%+v %v", a, b.drops())
	}
}

// Policy refuses with 129, by the longest prefix; a full cache and a full network with 130; what stands, stands.
//
// spec MIP-04
func TestAdmission(t *testing.T) {
	rules := []Rule{{netip.MustParsePrefix("2001:db8::/32"), true}, {netip.MustParsePrefix("2001:db8:1::/64"), false}}
	var b *bench
	for range rules {
		slices.Reverse(rules)
		b = newBench(t, Config{Rules: rules})
		b.bind(update{hoa: hoa, coa: coa, seq: 1, lifetime: time.Minute})
	}
	stranger := netip.MustParseAddr("2001:db8:2::1")
	status := func(u update) mh.Status {
		t.Helper()
		tk := b.test(u.hoa, u.coa)
		before := dump(b.n)
		a, drops := b.hear(u.packet(tk))
		st, _, _ := b.acked(a, u, tk)
		if st != mh.Accepted && (dump(b.n) != before || a.Unproven || !slices.Equal(drops, []string{Refused})) {
			t.Errorf("%v changed something, or is not proved: %v", st, drops)
		}
		return st
	}
	if st := status(update{hoa: stranger, coa: coa, seq: 1, lifetime: time.Minute, noAck: true}); st != mh.AdministrativelyProhibited {
		t.Errorf("policy: %v", st)
	}

	b = newBench(t, Config{Max: 2 * NetworkShare})
	node := func(network, host byte) netip.Addr { return netip.AddrFrom16([16]byte{0x20, 1, 5: network, 15: host}) }
	for i := range byte(NetworkShare) {
		for j := range byte(2) {
			b.bind(update{hoa: node(i, j+1), coa: coa, seq: 1, lifetime: time.Minute})
		}
		if i == 0 {
			if st := status(update{hoa: node(0, 9), coa: coa, seq: 1, lifetime: time.Minute}); st != mh.InsufficientResources {
				t.Errorf("more than a share: %v", st)
			}
		}
	}
	if st := status(update{hoa: node(100, 1), coa: coa, seq: 1, lifetime: time.Minute}); st != mh.InsufficientResources {
		t.Errorf("full: %v", st)
	}
	if st := status(update{hoa: node(1, 1), coa: coa2, seq: 2, lifetime: time.Minute}); st != mh.Accepted {
		t.Errorf("a binding that stands, in a full cache: %v", st)
	}
	b.tick(10 * time.Minute)
	if b.n.Len() != 0 || len(b.n.networks) != 0 || b.n.timers.Len() != 0 {
		t.Errorf("left over: %s", dump(b.n))
	}
}

// Forgers get neither memory nor state: 10^5 HoTI, CoTI and updates from anywhere.
//
// spec MIP-04
func TestFlood(t *testing.T) {
	b := newBench(t, Config{})
	tk := b.bind(update{hoa: hoa, coa: coa, seq: 1, lifetime: time.Minute})
	before := dump(b.n)
	r := engine.NewRand([32]byte{7})
	for i := range 100_000 {
		from := netip.AddrFrom16([16]byte{0x20, 1, 8: byte(i >> 16), 9: byte(i >> 8), 15: byte(i)})
		p := ip6.Packet{Header: ip6.Header{Src: from, Dst: self}}
		var m mh.Message
		switch i % 3 {
		case 0:
			m = &mh.HomeTestInit{}
		case 1:
			m = &mh.CareOfTestInit{}
		case 2:
			p = update{hoa: from, coa: coa, seq: r.Uint16(), lifetime: time.Minute}.packet(tk)
			m, _ = mh.Parse(p.EffectiveSrc(), p.Dst, p.Payload)
		}
		b.out.Reset()
		if a := b.n.Heard(at(0), &p, m, &b.out); a.Fact.Kind != Nothing {
			t.Fatal("forged")
		}
	}
	if after := dump(b.n); after != before {
		t.Errorf("was\n%s\nis\n%s", before, after)
	}
}
