package mn

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// An advertisement of the old cell that comes late, after the link came up in the new one, costs tenths of a second: the old
// router is asked as soon as the new one is heard, and neither answers nor advertises.
//
// spec MIP-07
func TestLateAdvertisement(t *testing.T) {
	const interval = 70 * time.Millisecond
	hear := func(b *bench, r router) []engine.Effect {
		m := &nd.RouterAdvertisement{Lifetime: r.lifetime, Options: nd.Options{SourceHW: r.hw, AdvInterval: interval,
			Prefixes: []nd.Prefix{pio(r.prefix, time.Hour, time.Hour)}}}
		return b.nd(wlan, r.hw, r.addr(), ip6.AllNodes, m)
	}
	b := newBench(t, nil)
	b.attach(wlan, ar1)
	for range 40 { // until duplicate detection is over
		hear(b, ar1)
		b.pass(interval)
	}
	b.down(wlan)
	b.pass(20 * time.Millisecond)
	b.up(wlan)
	hear(b, ar1) // late
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
	begin := b.now.Mono
	for {
		effects := append(b.pass(interval-time.Millisecond), hear(b, ar2)...)
		for _, u := range b.updates(effects) {
			if u.Src == coaOf(prefixB, hw1) {
				return
			}
		}
		if took := b.now.Mono.Sub(begin); took > 500*time.Millisecond {
			t.Fatalf("still not registering the new address %v after the late advertisement", took)
		}
	}
}
