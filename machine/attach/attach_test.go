package attach

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

var (
	hw      = plane.HW{2, 0, 0, 0, 0, 1}
	own     = ip6.LinkLocal(hw)
	home    = netip.MustParsePrefix("2001:db8:0:1::/64")
	prefixA = netip.MustParsePrefix("2001:db8:a:1::/64")
	prefixB = netip.MustParsePrefix("2001:db8:b:1::/64")
	r1      = plane.HW{2, 0, 0, 0, 9, 1}
	r2      = plane.HW{2, 0, 0, 0, 9, 2}
)

// world is a link with a hand on its clock. Facts are noted as words: "found A", "lost A moved", "confirmed A".
type world struct {
	t     *testing.T
	l     *Link
	now   engine.Now
	facts []string
	sent  []ip6.Packet
	at    []engine.Mono
}

func newWorld(t *testing.T) *world {
	return &world{t: t, l: New(Config{Port: 1, Home: home}, engine.NewRand([32]byte{1}))}
}

func (w *world) note(facts []Fact, out *engine.Effects) {
	w.t.Helper()
	for _, f := range facts {
		kind := [...]string{"", "found", "confirmed", "lost"}[f.Kind]
		name := map[netip.Prefix]string{prefixA: "A", prefixB: "B", home: "home"}[f.Router.Prefix]
		word := fmt.Sprintf("%s %s", kind, name)
		if f.Why != "" {
			word += " " + f.Why
		}
		w.facts = append(w.facts, word)
	}
	for _, e := range out.List {
		p, err := ip6.Parse(e.(engine.Send).Data)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload); err != nil {
			w.t.Fatalf("sent: %v", err)
		}
		w.sent, w.at = append(w.sent, p), append(w.at, w.now.Mono)
	}
}

func (w *world) up() {
	w.t.Helper()
	var out engine.Effects
	w.l.Up(w.now, engine.LinkUp{Port: 1, HW: hw, MTU: 1500}, &out)
	w.note(nil, &out)
}

// ra is an advertisement; change may alter it.
func (w *world) ra(from plane.HW, change func(*nd.RouterAdvertisement), prefixes ...nd.Prefix) {
	w.t.Helper()
	m := &nd.RouterAdvertisement{Lifetime: 30 * time.Minute, Options: nd.Options{SourceHW: from, Prefixes: prefixes}}
	if change != nil {
		change(m)
	}
	var out engine.Effects
	p := &ip6.Packet{Header: ip6.Header{Src: ip6.LinkLocal(from), Dst: ip6.AllNodes}}
	w.note(w.l.HeardRA(w.now, from, p, m, &out), &out)
}

func (w *world) na(change func(*nd.NeighborAdvertisement)) string {
	w.t.Helper()
	m := &nd.NeighborAdvertisement{Router: true, Solicited: true, Override: true, Target: ip6.LinkLocal(r1), Options: nd.Options{TargetHW: r1}}
	if change != nil {
		change(m)
	}
	var out engine.Effects
	facts, reason := w.l.HeardNA(w.now, m, &out)
	w.note(facts, &out)
	return reason
}

func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for end := w.now.Mono.Add(d); ; {
		due, why := w.l.Deadline()
		if due > end {
			w.now.Mono = end
			return
		}
		w.now.Mono = max(due, w.now.Mono)
		var out engine.Effects
		w.note(w.l.Tick(w.now, &out), &out)
		if next, _ := w.l.Deadline(); next <= w.now.Mono {
			w.t.Fatalf("a spin on %s", why)
		}
	}
}

// want checks the facts since the last call.
func (w *world) want(facts ...string) {
	w.t.Helper()
	if !slices.Equal(w.facts, facts) {
		w.t.Errorf("facts %q, want %q", w.facts, facts)
	}
	w.facts = nil
}

// took gives the kinds of what was sent since the last call.
func (w *world) took() (types []uint8) {
	for _, p := range w.sent {
		types = append(types, p.Payload[0])
	}
	w.sent, w.at = nil, nil
	return types
}

func usual(p netip.Prefix) nd.Prefix { return lives(p, 24*time.Hour, 24*time.Hour) }

func lives(p netip.Prefix, valid, preferred time.Duration) nd.Prefix {
	return nd.Prefix{Prefix: p, OnLink: true, Autonomous: true, Valid: valid, Preferred: preferred}
}

// Solicitations go on without end at waits that double to an hour, each a tenth off by chance (RFC 7559 §2); without a usable
// address from nowhere and without a link-layer address (RFC 4429 §3.2).
//
// spec MIP-07
func TestSolicit(t *testing.T) {
	w := newWorld(t)
	w.up()
	w.pass(30 * time.Hour)
	if len(w.at) < 12 || w.at[0] != 0 {
		t.Fatalf("%d solicitations", len(w.at))
	}
	for i := 1; i < len(w.at); i++ {
		d, low, high := w.at[i].Sub(w.at[i-1]), MaxSolicitInterval*9/10, MaxSolicitInterval*11/10
		if i == 1 {
			low, high = SolicitInterval*9/10, SolicitInterval*11/10
		} else if last := w.at[i-1].Sub(w.at[i-2]); 2*last < low {
			low, high = 2*last*9/10, 2*last*11/10
		}
		if d < low || d > high {
			t.Errorf("wait %d is %v, want %v to %v", i, d, low, high)
		}
	}
	if p := w.sent[0]; !p.Src.IsUnspecified() || p.Dst != ip6.AllRouters || len(p.Payload) != 8 {
		t.Errorf("from %v, %d octets", p.Src, len(p.Payload))
	}
	w.took()
	w.l.Source(own)
	w.up()
	if p := w.sent[0]; p.Src != own || len(p.Payload) != 16 {
		t.Errorf("from %v, %d octets", p.Src, len(p.Payload))
	}
	w.ra(r1, nil, usual(prefixA))
	w.took()
	w.pass(20 * time.Second)
	if got := w.took(); len(got) != 0 {
		t.Errorf("sent %v though a router was found", got)
	}
}

// Unreachability detection: asked after when silent, given up after MaxProbes, an answer ends it (RFC 4861 §7.3).
//
// spec MIP-07
func TestUnreachability(t *testing.T) {
	for _, c := range []struct {
		name              string
		interval, retrans time.Duration
		quiet, lost       time.Duration
	}{
		{"promises nothing", 0, 0, ReachableTime, ReachableTime + 3*ProbeRetrans},
		{"promises an interval", 70 * time.Millisecond, 0, 210 * time.Millisecond, 210*time.Millisecond + 3*ProbeRetrans},
		{"promises too much", time.Millisecond, time.Millisecond, 90 * time.Millisecond, 90*time.Millisecond + 3*MinRetrans},
		{"asks for patience", 0, time.Hour, ReachableTime, ReachableTime + 3*MaxRetrans},
	} {
		w := newWorld(t)
		w.l.Source(own)
		w.up()
		w.ra(r1, func(m *nd.RouterAdvertisement) { m.Retrans, m.Options.AdvInterval = c.retrans, c.interval }, usual(prefixA))
		w.want("found A")
		w.took()
		w.pass(c.quiet - 1)
		if got := w.took(); len(got) != 0 {
			t.Errorf("%s: asked early", c.name)
		}
		w.pass(c.lost - c.quiet)
		if got := w.took(); !slices.Equal(got, []uint8{135, 135, 135}) {
			t.Errorf("%s: sent %v", c.name, got)
		}
		w.want()
		w.pass(1)
		w.want("lost A " + RouterUnreachable)
		if got := w.took(); !slices.Equal(got, []uint8{133}) {
			t.Errorf("%s: then sent %v", c.name, got)
		}
	}
	w := newWorld(t)
	w.l.Source(own)
	w.up()
	w.ra(r1, nil, usual(prefixA))
	w.pass(ReachableTime + 2*ProbeRetrans)
	if reason := w.na(nil); reason != "" {
		t.Errorf("its answer: %s", reason)
	}
	w.pass(ReachableTime)
	w.want("found A")
}

// Without an address to ask from, a router heard before is not given up.
func TestNoSource(t *testing.T) {
	w := newWorld(t)
	w.up()
	w.ra(r1, nil, usual(prefixA))
	w.pass(5 * time.Minute)
	w.want("found A")
	w.l.Source(own)
	w.pass(ReachableTime)
	w.want("lost A " + RouterUnreachable)
}

// Neighbour advertisements that prove nothing are refused with a reason and change nothing.
//
// spec MIP-07
func TestForgedNA(t *testing.T) {
	w := newWorld(t)
	w.l.Source(own)
	w.up()
	w.ra(r1, nil, usual(prefixA))
	if got := w.na(nil); got != NAUnsolicited {
		t.Errorf("an answer to nothing: %q", got)
	}
	w.pass(ReachableTime) // asks
	w.took()
	if got := w.na(func(m *nd.NeighborAdvertisement) { m.Solicited = false }); got != NAUnsolicited {
		t.Errorf("unsolicited: %q", got)
	}
	if got := w.na(func(m *nd.NeighborAdvertisement) { m.Options.TargetHW = r2 }); got != NAOtherStation {
		t.Errorf("another station: %q", got)
	}
	if got := w.na(func(m *nd.NeighborAdvertisement) { m.Target = own }); got != "" {
		t.Errorf("about another address: %q", got)
	}
	w.want("found A")
	w.pass(3 * ProbeRetrans)
	w.want("lost A " + RouterUnreachable)
	w.ra(r1, nil, usual(prefixA))
	w.pass(ReachableTime)
	w.na(func(m *nd.NeighborAdvertisement) { m.Router = false }) // RFC 4861 §7.2.5
	w.want("found A", "lost A "+NoRouterAnyMore)
}

// Lifetimes: the router's, taken back by itself or run out; the prefix's, which nobody can end at once (RFC 4862 §5.5.3).
//
// spec MIP-07
func TestLifetimes(t *testing.T) {
	w := newWorld(t)
	w.up()
	w.ra(r1, func(m *nd.RouterAdvertisement) { m.Lifetime = 10 * time.Second }, usual(prefixA))
	w.pass(10 * time.Second)
	w.want("found A", "lost A "+RouterLifetime)
	w.ra(r1, func(m *nd.RouterAdvertisement) { m.Lifetime = 0 }, usual(prefixA))
	w.want()
	w.ra(r1, nil, usual(prefixA))
	w.ra(r1, func(m *nd.RouterAdvertisement) { m.Lifetime = 0 }, usual(prefixA))
	w.want("found A", "lost A "+RouterLifetime)
	// With a second router on the link the first one's loss is its gain.
	w.ra(r1, nil, usual(prefixA))
	w.ra(r2, nil, usual(prefixB))
	w.ra(r1, func(m *nd.RouterAdvertisement) { m.Lifetime = 0 }, usual(prefixA))
	w.want("found A", "lost A "+RouterLifetime, "found B")

	w = newWorld(t)
	w.up()
	w.ra(r1, nil, usual(prefixA))
	w.ra(r1, nil, lives(prefixA, 0, 0)) // forged, perhaps
	for left := 2 * time.Hour; left > 0; left -= 10 * time.Minute {
		w.want2("found A")
		w.ra(r1, nil, lives(prefixA, time.Second, time.Second))
		w.pass(10 * time.Minute)
	}
	if len(w.facts) == 0 || w.facts[0] != "lost A "+PrefixExpired {
		t.Errorf("facts %q after two hours", w.facts)
	}
	w = newWorld(t)
	w.up()
	w.ra(r1, nil, lives(prefixA, nd.Infinity, nd.Infinity))
	if _, ok := w.l.timers.Armed(prefix); ok {
		t.Error("an infinite prefix ends")
	}
}

// want2 is want for facts that may have been taken already.
func (w *world) want2(fact string) {
	w.t.Helper()
	if len(w.facts) > 0 && w.facts[0] != fact {
		w.t.Errorf("facts %q", w.facts)
	}
	w.facts = nil
}

// Which prefix: the home prefix, then the one in use, then the first that is not deprecated; what is none is passed over.
//
// spec MIP-07
func TestPrefixes(t *testing.T) {
	odd := nd.Prefix{Prefix: netip.MustParsePrefix("2001:db8:c::/48"), Autonomous: true, Valid: time.Hour, Preferred: time.Hour}
	local := lives(netip.MustParsePrefix("fe80::/64"), time.Hour, time.Hour)
	notOurs := lives(prefixB, time.Hour, time.Hour)
	notOurs.Autonomous = false
	absurd := lives(prefixB, time.Hour, 2*time.Hour)
	homeOnLink := usual(home)
	homeOnLink.Autonomous = false
	for _, c := range []struct {
		name string
		list []nd.Prefix
		want []string
	}{
		{"none", nil, nil},
		{"first", []nd.Prefix{usual(prefixA), usual(prefixB)}, []string{"found A"}},
		{"home", []nd.Prefix{usual(prefixA), usual(home)}, []string{"found home"}},
		{"home, on link only", []nd.Prefix{usual(prefixA), homeOnLink}, []string{"found home"}},
		{"deprecated first", []nd.Prefix{lives(prefixA, time.Hour, 0), usual(prefixB)}, []string{"found B"}},
		{"deprecated only", []nd.Prefix{lives(prefixA, time.Hour, 0)}, []string{"found A"}},
		{"unusable", []nd.Prefix{odd, local, notOurs, absurd, lives(prefixB, 0, 0)}, nil},
		{"unusable first", []nd.Prefix{odd, local, notOurs, usual(prefixA)}, []string{"found A"}},
	} {
		w := newWorld(t)
		w.up()
		w.ra(r1, nil, c.list...)
		if !slices.Equal(w.facts, c.want) {
			t.Errorf("%s: facts %q, want %q", c.name, w.facts, c.want)
		}
	}
}

// Renumbering: at once when the prefix is deprecated, after three advertisements without it (RFC 6059 §5.10); a router that
// spreads its prefixes over several advertisements is not renumbering.
func TestRenumbering(t *testing.T) {
	w := newWorld(t)
	w.up()
	w.ra(r1, nil, usual(prefixA))
	w.want("found A")
	for range 20 {
		w.ra(r1, nil, usual(prefixB))
		w.ra(r1, nil, usual(prefixA))
	}
	w.want()
	w.ra(r1, nil, usual(prefixB))
	w.ra(r1, nil, usual(prefixB))
	w.ra(r1, nil) // says nothing of prefixes
	w.want()
	w.ra(r1, nil, usual(prefixB))
	w.want("lost A "+Renumbered, "found B")
	w.ra(r1, nil, lives(prefixB, time.Hour, 0), usual(prefixA))
	w.want("lost B "+Renumbered, "found A")
}

// A second router on the link is no movement, and costs no more than one question.
//
// spec MIP-07
func TestSecondRouter(t *testing.T) {
	w := newWorld(t)
	w.l.Source(own)
	w.up()
	w.ra(r1, nil, usual(prefixA))
	w.took()
	for range 50 {
		w.ra(r2, nil, usual(prefixB))
		w.pass(50 * time.Millisecond)
		w.ra(r1, nil, usual(prefixA))
	}
	w.want("found A")
	if got := w.took(); !slices.Equal(got, []uint8{135}) {
		t.Errorf("sent %v", got)
	}
	for i := range 100 { // somebody invents routers
		w.ra(plane.HW{2, 1, byte(i)}, nil, usual(prefixB))
	}
	if len(w.l.others) > MaxRouters {
		t.Errorf("%d routers remembered", len(w.l.others))
	}
	w.ra(r1, nil, usual(prefixA))
	w.want()
}

// The link comes back: the same router, by advertisement or by answer; another on the same link; another link.
//
// spec MIP-07
func TestBack(t *testing.T) {
	begin := func() *world {
		w := newWorld(t)
		w.l.Source(own)
		w.up()
		w.ra(r1, nil, usual(prefixA))
		w.ra(r2, nil, usual(prefixB)) // a second router there
		w.l.Down()
		w.pass(time.Minute)
		w.facts = nil
		w.took()
		w.up()
		if got := w.took(); !slices.Equal(got, []uint8{133, 135}) || !w.l.Suspect() || w.l.Usable() {
			t.Errorf("on return sent %v", got)
		}
		return w
	}
	w := begin()
	w.ra(r1, nil, usual(prefixA))
	w.want("confirmed A")
	w = begin()
	w.na(nil)
	w.want("confirmed A")
	w = begin()
	w.ra(plane.HW{2, 3}, nil, usual(prefixA)) // another router with our prefix
	w.want("confirmed A")
	if r, _ := w.l.Current(); r.HW != (plane.HW{2, 3}) {
		t.Error("waits for the router that was not heard")
	}
	w = begin()
	w.ra(r2, nil, usual(prefixB)) // the second router there: no movement yet
	w.want()
	w.na(nil)
	w.want("confirmed A")
	w = begin()
	w.ra(r2, nil, usual(prefixB))
	w.pass(3 * ProbeRetrans)
	w.want("lost A "+RouterUnreachable, "found B")
	w = begin()
	w.ra(plane.HW{2, 3}, nil, usual(home))
	w.want("lost A "+Moved, "found home")
	if len(w.l.others) != 0 {
		t.Error("remembers routers of another link")
	}
	w = begin()
	w.l.Source(netip.Addr{}) // nothing to ask from: only advertisements count
	w.up()
	w.pass(3 * ProbeRetrans)
	w.want("lost A "+RouterUnreachable, "found B")
}

// On a link that is down nothing is heard, sent or found, and the router's time runs out.
func TestDown(t *testing.T) {
	w := newWorld(t)
	w.l.Source(own)
	w.up()
	w.ra(r1, nil, usual(prefixA))
	w.ra(r2, nil, usual(prefixB))
	w.l.Down()
	w.facts = nil
	w.took()
	w.ra(r2, nil, usual(prefixB))
	w.na(nil)
	w.pass(2 * time.Hour)
	w.want("lost A " + RouterLifetime)
	if got := w.took(); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
	if due, _ := w.l.Deadline(); due != engine.Never {
		t.Errorf("waits for %v", due)
	}
}
