package main

import (
	"context"
	"fmt"
	"time"

	"roam6/engine"
	"roam6/scenario"
	"roam6/sim"
	"roam6/wire/access"
	"roam6/wire/ip6"
)

// How bench aaa counts round trips to the home network: the same run with home so near and so far. A registration that waits for N of
// them one after the other takes 2 N times the difference longer.
const (
	tripsScenario = "roam-home-ha"
	tripsNear     = 10 * time.Millisecond
	tripsFar      = 30 * time.Millisecond // no more: servers are connected before anybody asks
)

// separateTrips is what a mobile node does that is let in, finds a home agent, agrees with it about keys and registers by four protocols, one
// after the other, each with as few round trips to its home network as it can: docs/performance.md has every message.
var separateTrips = []struct {
	what  string
	trips int
}{
	{"EAP-GPSK by Diameter EAP (RFC 5433 §3, RFC 4072 §2.2): Identity and GPSK-1, GPSK-2 and GPSK-3, GPSK-4 and Success", 3},
	{"home agent address discovery (RFC 6275 §11.4.1): request and reply", 1},
	{"IKEv2 (RFC 7296 §1.2, RFC 4877 §7.3): IKE_SA_INIT, IKE_AUTH with a shared key", 2},
	{"home registration (RFC 6275 §11.7.1): Binding Update and Binding Acknowledgement", 1},
}

// benchAAATrips counts the round trips home of a mobile node's first registration and of those at the routers it moves to.
func benchAAATrips(ctx context.Context) ([]benchRow, error) {
	near, err := registrationTimes(ctx, tripsNear)
	if err != nil {
		return nil, err
	}
	far, err := registrationTimes(ctx, tripsFar)
	if err != nil {
		return nil, err
	}
	if len(near) != len(far) || len(near) < 2 {
		return nil, fmt.Errorf("%d and %d registrations in two runs of %s", len(near), len(far), tripsScenario)
	}
	var trips, separate []float64
	one := 0
	for _, s := range separateTrips {
		one += s.trips
	}
	for i := range near {
		trips = append(trips, float64(far[i]-near[i])/float64(2*(tripsFar-tripsNear)))
		separate = append(separate, float64(one))
	}
	const unit, peer = "round trips home", "EAP, DHAAD, IKEv2, BU"
	return []benchRow{beside("first registration of a stranger", unit, peer, trips[:1], separate[:1]),
		ours("registration at the next routers, access and binding", unit, trips[1:]...)}, nil
}

// registrationTimes runs the scenario with home so far away and tells how long each registration took: from the first packet of its request on
// the air until the mobile node is registered.
func registrationTimes(ctx context.Context, home time.Duration) ([]time.Duration, error) {
	f := &runFlags{strategy: "mipv6", seed: 1, nodes: 1, quiet: true, set: []string{"delays.home=" + home.String()}}
	_, p, err := f.plan(tripsScenario)
	if err != nil {
		return nil, err
	}
	w := &tripWatch{Recorder: scenario.NewMeasure(p, "sim", "soft")}
	_, err = sim.Run(sim.Config{Plan: p, Build: build, Recorder: w, Stop: ctx.Err})
	return w.took, err
}

// tripWatch notes registrations of a run with one mobile node.
type tripWatch struct {
	scenario.Recorder
	asking bool
	began  time.Duration
	took   []time.Duration
}

// Frame notes when a mobile node asks.
func (w *tripWatch) Frame(at time.Duration, segment, node string, up bool, packet []byte) {
	w.Recorder.Frame(at, segment, node, up, packet)
	if p, err := ip6.Parse(packet); up && !w.asking && err == nil && p.Proto == ip6.ProtoICMPv6 && access.IsAccess(p.Payload) {
		w.asking, w.began = true, at
	}
}

// Event notes when it is registered.
func (w *tripWatch) Event(at time.Duration, node, name string, ev engine.Event) {
	w.Recorder.Event(at, node, name, ev)
	if ev.Name == engine.EventRegistered && w.asking {
		w.asking, w.took = false, append(w.took, at-w.began)
	}
}
