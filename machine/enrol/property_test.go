package enrol

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/wire/access"
	"roam6/wire/ip6"
)

// seal corrects length and checksum of a packet whose ICMPv6 was changed.
func seal(b []byte) []byte {
	b = slices.Clone(b)
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-ip6.HeaderLen))
	if len(b) >= ip6.HeaderLen+4 {
		icmp := b[ip6.HeaderLen:]
		icmp[2], icmp[3] = 0, 0
		binary.BigEndian.PutUint16(icmp[2:], ip6.Checksum(client, coa, ip6.ProtoICMPv6, icmp))
	}
	return b
}

// large is a reply of several parts.
func large(t testing.TB, r *access.Request, n int) *access.Reply {
	eap := make([]byte, n)
	eap[0], eap[1] = 3, 9
	binary.BigEndian.PutUint16(eap[2:], uint16(n))
	return signed(t, r, &access.Reply{Result: success, Lifetime: time.Hour, EAP: eap})
}

// Parts come in any order, some twice, some forged between: once the true ones have come again, the node is in.
func TestPartsInAnyOrder(t *testing.T) { //spec DM-04
	rapid.Check(t, func(rt *rapid.T) {
		d := newDesk(t, nil)
		d.ask(plain())
		r, id := d.request()
		parts := packets(id, large(t, r, rapid.IntRange(1300, access.MaxEAP).Draw(rt, "octets")))
		var mixed [][]byte
		for range rapid.IntRange(0, 12).Draw(rt, "before") {
			p := slices.Clone(parts[rapid.IntRange(0, len(parts)-1).Draw(rt, "which")])
			switch rapid.IntRange(0, 2).Draw(rt, "forged") {
			case 1:
				p[len(p)-1] ^= 1
			case 2: // another number of parts
				p[ip6.HeaderLen+11] = access.MaxParts
			}
			mixed = append(mixed, seal(p))
		}
		var granted bool
		for _, f := range append(d.hear(mixed...), d.hear(rapid.Permutation(parts).Draw(rt, "order")...)...) {
			_, ok := f.(*Grant)
			granted = granted || ok
		}
		if !granted {
			rt.Fatalf("%d parts did not make a message; last refusal %q", len(parts), d.dropped())
		}
	})
}

// Whatever is lost, the exchange ends in time: granted if one round trip got through, else in silence.
func TestLoss(t *testing.T) { //spec DM-04
	rapid.Check(t, func(rt *rapid.T) {
		d := newDesk(t, nil)
		w := plain()
		w.Keys = []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random | access.DiffieHellman}}
		d.ask(w)
		through, granted := false, false
		var last Fact
		for d.a.State() == Asking {
			if rapid.Bool().Draw(rt, "there") && !granted {
				r, id := d.request()
				reply := packets(id, large(t, r, 2000))
				lost := rapid.IntRange(0, 1<<len(reply)-1).Draw(rt, "lost")
				for i, p := range reply {
					if lost>>i&1 == 0 {
						d.hear(p)
					}
				}
				through = through || lost == 0
				if d.a.State() != Asking {
					granted = true
					break
				}
			}
			d.sent()
			for _, f := range d.pass() {
				last = f
			}
		}
		if through && !granted || !granted && last != (Silent{}) || d.now.Mono > engine.Mono(9300*time.Millisecond) {
			rt.Fatalf("through %v, granted %v, last %v at %v", through, granted, last, time.Duration(d.now.Mono))
		}
	})
}

// FuzzHeard: nobody without the key is taken for the home network, whatever he sends.
func FuzzHeard(f *testing.F) {
	d := newDesk(f, nil)
	d.ask(plain())
	r, id := d.request()
	for _, reply := range []*access.Reply{
		signed(f, r, &access.Reply{Result: success, Lifetime: time.Hour}), {Result: 3002}, {Result: 4001, LocalChallenge: make([]byte, 8)},
	} {
		f.Add(packets(id, reply)[0][ip6.HeaderLen:])
	}
	f.Add(packets(id, large(f, r, 1400))[0][ip6.HeaderLen:])
	f.Fuzz(func(t *testing.T, icmp []byte) {
		if len(icmp) > 2000 {
			return
		}
		d := newDesk(t, func(c *Config) { c.LongTerm = slices.Repeat([]byte{8}, len(secret)) })
		d.ask(plain())
		d.sent()
		b := ip6.Packet{Header: ip6.Header{Src: client, Dst: coa, HopLimit: access.HopLimit}, Proto: ip6.ProtoICMPv6, Payload: icmp}
		p := b
		p.Payload = seal(b.Append(nil))[ip6.HeaderLen:]
		if len(icmp) >= access.HeaderLen {
			binary.BigEndian.PutUint32(p.Payload[12:], d.a.ask.id)
			p.Payload = seal(p.Append(nil))[ip6.HeaderLen:]
		}
		if facts := d.a.Heard(d.now, &p, &d.out); len(facts) > 0 || d.a.State() != Asking || d.a.Admitted(d.now, coa) {
			t.Fatalf("%v, %s", facts, d.a.State())
		}
		if sent := d.sent(); len(sent) > access.MaxParts {
			t.Fatalf("%d packets for one", len(sent))
		}
	})
}
