package driver

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

var querier = netip.MustParseAddr("fe80::1")

// query is the packet of a General Query that is due within a second, or what change makes of it.
func query(change func(p *ip6.Packet, q *icmp6.ListenerQuery)) []byte {
	p := ip6.Packet{Header: ip6.Header{HopLimit: 1, Src: querier, Dst: ip6.AllNodes}, RouterAlert: 1, Proto: ip6.ProtoICMPv6}
	q := icmp6.ListenerQuery{MaxResponse: time.Second}
	if change != nil {
		change(&p, &q)
	}
	p.Payload = icmp6.Append(nil, p.Src, p.Dst, &q)
	return p.Append(nil)
}

// listening is a node with linkLocal and coa on port 1, and what it sends: "mld" and the records, or the protocol.
func listening(t *testing.T, sent *log, told *log) (*Node, *Memory, *script) {
	m := &Memory{OnSend: func(port plane.Port, to plane.HW, data []byte) error {
		p, err := ip6.Parse(data)
		must(t, err)
		if p.Proto == ip6.ProtoICMPv6 && p.RouterAlert > 0 {
			msg, err := icmp6.Parse(p.Src, p.Dst, p.Payload)
			must(t, err)
			sent.add("%d mld %v %s", port, p.Src, words(msg))
		} else {
			sent.add("%d protocol %d", port, p.Proto)
		}
		return nil
	}}
	m.SetLink(engine.LinkUp{Port: 1, Name: "wlan0"}, false)
	pkt := control(t)
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		if up, ok := in.(engine.LinkUp); ok {
			out.Plane(localOp(linkLocal, plane.Local{Port: up.Port, Tentative: true}))
			out.Plane(localOp(coa, plane.Local{Port: up.Port, Tentative: true}))
			out.Send(up.Port, plane.HW{}, pkt)
			out.Plane(localOp(linkLocal, plane.Local{Port: up.Port}))
		}
	}}
	n := begin(t, Config{Name: "mn", Host: m, Engines: []Engine{{"mn", e}},
		OnEvent: func(_ time.Duration, eng string, ev engine.Event) { told.add("%s %s %s", eng, ev.Name, ev.Reason) }})
	synctest.Wait()
	return n, m, e
}

// RFC 4862 §5.4.2, RFC 3590: a switch that snoops must know of the group before the probe of duplicate detection is sent.
func TestLoopReportsBeforeItProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent, told log
		n, m, _ := listening(t, &sent, &told)
		both := fmt.Sprintf("TO_EX(%v) TO_EX(%v)", coaGroup, llGroup)
		want := []string{"1 mld :: " + both, "1 protocol 58", "1 mld fe80::a " + both}
		for _, network := range []string{"ap1", "ap2"} {
			m.SetLink(engine.LinkUp{Port: 1, Name: "wlan0", Attachment: network}, true)
			synctest.Wait()
			if got := sent.take(); !slices.Equal(got, want) {
				t.Errorf("%s: sent\n%q\nwant\n%q", network, got, want)
			}
			time.Sleep(MLDUnsolicited)
			synctest.Wait()
			if got := sent.take(); !slices.Equal(got, want[2:]) {
				t.Errorf("%s: sent within a second\n%q\nwant\n%q", network, got, want[2:])
			}
			time.Sleep(time.Hour)
			m.SetLink(engine.LinkUp{Port: 1, Name: "wlan0"}, false)
			synctest.Wait()
		}
		if st, err := n.Stats(context.Background()); err != nil || st.MLD != (MLDStats{Reports: 6}) {
			t.Errorf("counted %+v, %v", st.MLD, err)
		}
	})
}

// A query is answered; neither plane nor engine sees it.
func TestLoopAnswersQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent, told log
		n, m, e := listening(t, &sent, &told)
		m.SetLink(engine.LinkUp{Port: 1, Name: "wlan0"}, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		sent.take()
		inputs := len(e.inputs)
		for _, q := range [][]byte{
			query(nil),
			query(func(p *ip6.Packet, _ *icmp6.ListenerQuery) { p.Dst = coa }), // RFC 3810 §5.1.15: to debug
		} {
			m.Deliver(Arrival{Port: 1, Data: q})
			synctest.Wait()
			if got := sent.take(); got != nil {
				t.Errorf("answered at once: %q", got)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if got, want := sent.take(), []string{fmt.Sprintf("1 mld fe80::a IS_EX(%v) IS_EX(%v)", coaGroup, llGroup)}; !slices.Equal(got, want) {
				t.Errorf("answered %q, want %q", got, want)
			}
		}
		told.take()
		for range 2 {
			m.Deliver(Arrival{Port: 1, Data: query(func(_ *ip6.Packet, q *icmp6.ListenerQuery) { q.Version1 = true })})
		}
		synctest.Wait()
		if got := told.take(); len(got) != 1 || got[0][:17] != "driver driver.mld" {
			t.Errorf("of version 1 was told %q", got)
		}
		st, err := n.Stats(context.Background())
		if err != nil || st.MLD.Queries != 4 || len(st.Drops) > 0 || len(e.inputs) != inputs {
			t.Errorf("counted %+v, drops %v, inputs %v, %v", st.MLD, st.Drops, e.inputs[inputs:], err)
		}
	})
}

// RFC 3810 §5.1.14, §6.2: a query that may come from elsewhere than this link counts for nothing.
func TestLoopRefusesQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent, told log
		n, m, _ := listening(t, &sent, &told)
		m.SetLink(engine.LinkUp{Port: 1, Name: "wlan0"}, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		sent.take()
		told.take()
		drops := map[string]int{}
		for _, c := range []struct {
			name, reason string
			data         []byte
		}{
			{"hop limit 64", DropMLDOffLink, query(func(p *ip6.Packet, _ *icmp6.ListenerQuery) { p.HopLimit = 64 })},
			{"from everywhere", DropMLDOffLink, query(func(p *ip6.Packet, _ *icmp6.ListenerQuery) { p.Src = cn })},
			{"from nowhere", DropMLDOffLink, query(func(p *ip6.Packet, _ *icmp6.ListenerQuery) { p.Src = netip.IPv6Unspecified() })},
			{"another option", DropMLDOffLink, func() []byte { b := query(nil); b[42] = 0x1e; return b }()},
			{"checksum", DropMLDMalformed, func() []byte { b := query(nil); b[51] ^= 1; return b }()},
			{"26 octets", DropMLDMalformed, func() []byte { b := query(nil)[:74]; b[5] = 34; return b }()},
			{"hop-by-hop options", DropMLDMalformed, func() []byte { b := query(nil); b[42] = 0xff; return b }()},
			{"an address of nobody", DropMLDDestination, query(func(p *ip6.Packet, _ *icmp6.ListenerQuery) { p.Dst = cn })},
			{"version 1 from afar", DropMLDOffLink, query(func(p *ip6.Packet, q *icmp6.ListenerQuery) { p.HopLimit, q.Version1 = 2, true })},
		} {
			m.Deliver(Arrival{Port: 1, Data: c.data})
			synctest.Wait()
			if got, want := told.take(), []string{"driver drop " + c.reason}; !slices.Equal(got, want) {
				t.Errorf("%s: told %q, want %q", c.name, got, want)
			}
			drops[c.reason]++
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := sent.take(); got != nil {
			t.Errorf("sent %q", got)
		}
		st, err := n.Stats(context.Background())
		if err != nil || st.MLD.Queries != 0 || fmt.Sprint(st.Drops) != fmt.Sprint(drops) {
			t.Errorf("counted %+v, %v, want %v; %v", st.MLD, st.Drops, drops, err)
		}
	})
}

// FuzzMLDQuery: no packet of a link makes the listener panic or answer with more than it has to tell.
func FuzzMLDQuery(f *testing.F) {
	f.Add(query(nil))
	f.Add(query(func(_ *ip6.Packet, q *icmp6.ListenerQuery) { q.Version1 = true }))
	f.Add(query(func(p *ip6.Packet, q *icmp6.ListenerQuery) {
		p.Dst, q.Group, q.Sources = coaGroup, coaGroup, []netip.Addr{cn}
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		sent := 0
		n, err := New(Config{Host: &Memory{OnSend: func(plane.Port, plane.HW, []byte) error { sent++; return nil }}})
		must(t, err)
		defer n.Close()
		l := &n.loop
		l.mld.up(1)
		l.mld.local(linkLocal, plane.Local{Port: 1}, false)
		l.mld.local(coa, plane.Local{Port: 1}, false)
		l.report(0)
		heard := l.heard(&Arrival{Port: 1, Data: b})
		if sent != 1 || heard != isQuery(b) {
			t.Fatalf("%d packets sent at once, heard %v", sent, heard)
		}
		l.mld.tick(engine.Never - 1)
		l.report(engine.Never - 1)
		if sent > 6 {
			t.Fatalf("%d packets sent", sent)
		}
	})
}
