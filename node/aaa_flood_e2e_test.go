package node_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/admit"
	"roam6/plane"
	"roam6/sim"
	"roam6/wire/access"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// crowd is an access router with a crowd of stations on its link that nobody else sees.
type crowd struct {
	engine.Engine
	sender
}

func (e *crowd) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	if _, tick := in.(engine.Tick); tick {
		e.sender.Handle(now, in, out)
		if at, _ := e.Engine.Deadline(); at > now.Mono {
			return
		}
	}
	e.Engine.Handle(now, in, out)
}

func (e *crowd) Deadline() (engine.Mono, string) {
	at, why := e.Engine.Deadline()
	if t, w := e.sender.Deadline(); t < at {
		at, why = t, w
	}
	return at, why
}

func (e *crowd) View() any { return e.Engine.View() }

// Ten thousand mobile nodes that do not exist ask within five seconds, each from a station and an address of its own and with the challenge of
// the day. The access router keeps to its limits, asks the home network no more than they allow, and has forgotten them soon after; who is in
// goes on, and who really comes in the middle of it is in within a bound.
//
// spec DM-09
func TestFlood(t *testing.T) {
	const fakes, each, from = 10000, 20, 8 * time.Second // every 10 ms
	w := inTrouble(t, "home", 60*time.Second, "[{at: 50s, to: ar2}]")
	w.late("mn3", 10*time.Second)
	var client netip.Addr
	var challenge []byte
	w.lose = func(_ time.Duration, cell string, packet []byte) bool {
		if p, err := ip6.Parse(packet); cell == "ar1" && err == nil && p.Proto == ip6.ProtoICMPv6 && len(p.Payload) > 0 && p.Payload[0] == 134 {
			if m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload); err == nil {
				if a := m.(*nd.RouterAdvertisement).Options.Access; a != nil {
					client, challenge = a.Client, append(challenge[:0], a.LocalChallenge...)
				}
			}
		}
		return false
	}
	fake := func(n uint64) engine.Packet {
		coa := netip.MustParseAddr("2001:db8:a:1::").As16()
		binary.BigEndian.PutUint64(coa[8:], 1<<60|n)
		r := &access.Request{NAI: fmt.Sprintf("fake%d@home.example", n), CareOf: netip.AddrFrom16(coa), LocalChallenge: challenge,
			HostChallenge: binary.BigEndian.AppendUint64(make([]byte, len(challenge)-8), n), Auth: make([]byte, access.AuthLen)}
		part := access.Split(r, uint32(n)+1)[0]
		p := ip6.Packet{Header: ip6.Header{HopLimit: access.HopLimit, Src: r.CareOf, Dst: client}, Proto: ip6.ProtoICMPv6, Payload: part.Append(nil, r.CareOf, client)}
		return engine.Packet{Port: 1, From: plane.HW{2, 0xfa, 0, 0, byte(n >> 8), byte(n)}, Data: p.Append(nil)}
	}
	w.wrap = func(node string, e engine.Engine) engine.Engine {
		if node != "ar1" {
			return e
		}
		c := &crowd{Engine: e}
		for i := range fakes / each {
			c.at = append(c.at, engine.Mono(from+time.Duration(i)*10*time.Millisecond))
		}
		c.send = func(k int, out *engine.Effects) {
			for i := range each {
				e.Handle(engine.Now{Mono: c.at[k], Wall: sim.Epoch.Add(time.Duration(c.at[k]))}, fake(uint64(k*each+i)), out)
			}
		}
		return c
	}
	under, asking := 0, 0
	w.step = func(time.Duration) {
		v := w.router("ar1")
		c := v.Clients[0].(admit.View)
		under, asking = max(under, c.Waiting+c.Checking+c.Messages), max(asking, v.Asking)
	}
	w.run()
	if under < 100 || under > admit.MaxExchanges*admit.StrangersShare/100+10 || asking > under {
		t.Errorf("%d under way, %d of them on their way home", under, asking)
	}
	w.must("ar1", "access-busy", from, from+6*time.Second)
	w.soon("mn3", 10*time.Second, 6*time.Second) // its last try at one thing comes after the flood: before, there may be no room for it
	if q := w.quiet("mn", from, 40*time.Second); q > 100*time.Millisecond {
		t.Errorf("mn: nothing for %v", q)
	}
	if c := w.router("ar1").Clients[0].(admit.View); c.Waiting+c.Checking+c.Messages != 0 {
		t.Errorf("%+v", c)
	}
	w.soon("mn", 50*time.Second, 500*time.Millisecond)
	w.idle(3)
	w.accounts()
}
