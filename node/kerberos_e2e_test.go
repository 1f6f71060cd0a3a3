package node_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/tickets"
	"roam6/role/ar"
	"roam6/role/kdc"
	"roam6/role/mn"
	"roam6/scenario"
	"roam6/sim"
	checkers "roam6/sim/check"
)

// tickets of two-operators with Kerberos, seen from ar1: all that case 1, 2 and 3 need here and at the next operator.
var wanted = []string{"krbtgt/HOME.EXAMPLE@HOME.EXAMPLE", "krbtgt/A.EXAMPLE@HOME.EXAMPLE", "krbtgt/B.EXAMPLE@HOME.EXAMPLE",
	"mobileip/access.a.example@A.EXAMPLE", "mobileip/access.b.example@B.EXAMPLE"}

// ticketRun is a run of pingpong with Kerberos.
type ticketRun struct {
	engines map[string]engine.Engine
	ready   map[string]time.Duration // when a ticket was there first
	failed  int                      // events tickets.failed
	result  *scenario.Result
	asked   []time.Duration // datagrams to KDCs on the operators' and the home wires
}

// watch has the events of the mobile node.
type watch struct {
	*scenario.Measure
	r *ticketRun
}

func (w watch) Event(at time.Duration, node, engine string, ev engine.Event) {
	if node == "mn" && ev.Name == "tickets.failed" {
		w.r.failed++
	}
	w.Measure.Event(at, node, engine, ev)
}

func (r *ticketRun) view() *mn.KerberosView { return r.engines["mn"].View().(mn.View).Kerberos }

// to says whether a packet is a UDP datagram to port 88.
func toKDC(p []byte) bool {
	return len(p) >= 48 && p[6] == 17 && binary.BigEndian.Uint16(p[42:]) == 88
}

func runTickets(t *testing.T, set []string, lose func(at time.Duration, segment string, p []byte) bool) *ticketRun {
	t.Helper()
	s, err := scenario.Load("pingpong")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Seed: 5, Set: append([]string{"mn.kerberos=on"}, set...)})
	if err != nil {
		t.Fatal(err)
	}
	r := &ticketRun{engines: map[string]engine.Engine{}, ready: map[string]time.Duration{}}
	m := scenario.NewMeasure(p, "sim", "soft")
	c := sim.Config{Plan: p, Recorder: watch{m, r}, Checkers: []sim.Checker{checkers.NewOneOwner(), checkers.NewNoStale()}}
	c.Build = func(n scenario.Node, seed [32]byte) (scenario.Built, error) {
		b, err := build(n, seed)
		if len(b.Engines) > 0 {
			r.engines[n.Name] = b.Engines[0].Engine
		}
		return b, err
	}
	c.Progress = func(at time.Duration) {
		for _, x := range r.view().Client.Tickets {
			if _, there := r.ready[x.Server]; !there && x.State == tickets.Ready && x.Lightweight {
				r.ready[x.Server] = at
			}
		}
	}
	c.Lose = func(at time.Duration, segment string, p []byte) bool {
		if toKDC(p) && strings.HasSuffix(segment, "-kdch") {
			r.asked = append(r.asked, at)
		}
		return lose != nil && lose(at, segment, p)
	}
	if _, err := sim.Run(c); err != nil {
		t.Fatal(err)
	}
	r.result = m.Result()
	return r
}

// A mobile node that has just come logs on through the access router, before it has a binding, and has the tickets of its realm, of the network it is
// in and of the next operator's before it moves. Later it asks its KDC by itself.
//
// spec RT-30 RT-40 FH-17
func TestTicketsAhead(t *testing.T) {
	for _, set := range [][]string{nil, {"mn.aaa=on", "mn.dad=optimistic"}} {
		r := runTickets(t, set, nil)
		for _, server := range wanted {
			short, _, _ := strings.Cut(server, "@")
			i := slices.IndexFunc(r.view().Client.Tickets, func(x tickets.TicketView) bool {
				return strings.HasPrefix(x.Server, short+"@") && x.State == tickets.Ready
			})
			if i < 0 {
				t.Fatalf("%v: no %s: %+v", set, server, r.view())
			}
		}
		var last time.Duration
		for _, at := range r.ready { //order:any — the greatest
			last = max(last, at)
		}
		if last > 4*time.Second || len(r.ready) < len(wanted) {
			t.Errorf("%v: ready at %v", set, r.ready)
		}
		v := r.engines["ar1"].View().(ar.View).Kerberos
		if v.Proxy.Counts.Passed < 1 || v.Proxy.Counts.Replies != v.Proxy.Counts.Passed || !slices.Equal(v.Realms, []string{"A.EXAMPLE", "B.EXAMPLE"}) {
			t.Errorf("%v: ar1: %+v %+v", set, v, v.Proxy)
		}
		if k := r.engines["kdch"].View().(kdc.View); k.Granted["as"] == 0 || len(k.Refused) > 0 {
			t.Errorf("%v: %+v", set, k)
		}
		if r.failed > 0 || r.view().Client.Way != "datagram" || r.result.Totals.Failed > 0 {
			t.Errorf("%v: %d failed, %s, %+v", set, r.failed, r.view().Client.Way, r.result.Totals)
		}
	}
}

// KDCs that answer nothing are asked a bounded number of times, the view says why there is no ticket, and handovers are what they are without.
func TestSilentKDCs(t *testing.T) {
	with := runTickets(t, nil, nil).result
	r := runTickets(t, nil, func(_ time.Duration, segment string, p []byte) bool {
		return toKDC(p) && strings.Contains(segment, "-kdc")
	})
	v := r.view().Client
	if len(v.Tickets) == 0 || v.Tickets[0].State == tickets.Ready || v.Tickets[0].Why == "" && v.Tickets[0].State != tickets.Asking || v.Counts.Granted > 0 {
		t.Fatalf("%+v", v)
	}
	if len(r.asked) < 4 || len(r.asked) > 40 {
		t.Errorf("the KDC was asked %d times: %v", len(r.asked), r.asked)
	}
	if len(r.result.Handovers) != len(with.Handovers) || r.result.Totals.Failed > 0 {
		t.Fatalf("%+v", r.result.Totals)
	}
	for i, h := range r.result.Handovers {
		was := with.Handovers[i]
		if *h.Down.Interruption != *was.Down.Interruption {
			t.Errorf("%s to %s: %v, with tickets %v", h.From, h.To, *h.Down.Interruption, *was.Down.Interruption)
		}
	}
}
