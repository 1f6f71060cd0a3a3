package advertise

import (
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
	prefix = netip.MustParsePrefix("2001:db8:a:1::/64")
	router = netip.MustParseAddr("2001:db8:a:1::1")
	hw     = plane.HW{2, 0, 0, 0, 0, 1}
)

func config(low, high, delay time.Duration) Config {
	return Config{Port: 1, Prefix: prefix, Address: router, IntervalMin: low, IntervalMax: high, Lifetime: DefaultLifetime,
		DelayMax: delay, Valid: DefaultValid, Preferred: DefaultPreferred}
}

// world ticks an advertiser and notes when it spoke.
type world struct {
	t   *testing.T
	a   *Advertiser
	now engine.Now
	at  []engine.Mono
	ras []*nd.RouterAdvertisement
}

func newWorld(t *testing.T, c Config, seed byte) *world {
	w := &world{t: t, a: New(c, engine.NewRand([32]byte{seed}))}
	var out engine.Effects
	w.a.Up(w.now, engine.LinkUp{Port: 1, HW: hw, MTU: 1400}, &out)
	return w
}

func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for end := w.now.Mono.Add(d); ; {
		due, _ := w.a.Deadline()
		if due > end {
			w.now.Mono = end
			return
		}
		w.now.Mono = max(due, w.now.Mono)
		var out engine.Effects
		w.a.Tick(w.now, &out)
		if next, _ := w.a.Deadline(); next <= w.now.Mono {
			w.t.Fatal("a spin")
		}
		for _, e := range out.List {
			s := e.(engine.Send)
			p, err := ip6.Parse(s.Data)
			if err != nil {
				w.t.Fatal(err)
			}
			m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
			if err != nil || p.Dst != ip6.AllNodes || p.Src != ip6.LinkLocal(hw) || s.To != ip6.MulticastHW(p.Dst) {
				w.t.Fatalf("%v, from %v to %v", err, p.Src, p.Dst)
			}
			w.at, w.ras = append(w.at, w.now.Mono), append(w.ras, m.(*nd.RouterAdvertisement))
		}
	}
}

// Unsolicited advertisements: the first at once, then at random times within the interval (RFC 4861 §6.2.4, RFC 6275 §7.5).
//
// spec MIP-07
func TestIntervals(t *testing.T) {
	w := newWorld(t, config(DefaultIntervalMin, DefaultIntervalMax, MaxDelay), 1)
	w.pass(10 * time.Second)
	if len(w.at) < 10*1000/70 || w.at[0] != 0 {
		t.Fatalf("%d advertisements, the first at %v", len(w.at), w.at[0])
	}
	different := map[time.Duration]bool{}
	for i := 1; i < len(w.at); i++ {
		d := w.at[i].Sub(w.at[i-1])
		if d < DefaultIntervalMin || d > DefaultIntervalMax {
			t.Errorf("interval %v", d)
		}
		different[d] = true
	}
	if len(different) < 20 {
		t.Error("the interval is not random")
	}
	w = newWorld(t, config(200*time.Second, 600*time.Second, MaxDelay), 1)
	w.pass(1000 * time.Second)
	for i := 1; i <= InitialCount; i++ {
		if d := w.at[i].Sub(w.at[i-1]); d > InitialInterval {
			t.Errorf("initial interval %v", d)
		}
	}
	if d := w.at[InitialCount+1].Sub(w.at[InitialCount]); d < 200*time.Second {
		t.Errorf("interval %v after the initial ones", d)
	}
}

// Ticks that come late shift no later advertisement, make none come sooner than the least interval, and a long pause is not
// made up for.
func TestLateTicks(t *testing.T) {
	exact := newWorld(t, config(DefaultIntervalMin, DefaultIntervalMax, MaxDelay), 1)
	exact.pass(10 * time.Second)
	late := newWorld(t, config(DefaultIntervalMin, DefaultIntervalMax, MaxDelay), 1)
	for i, last := 0, engine.Mono(0); i < len(exact.at); i++ {
		due, _ := late.a.Deadline()
		late.now.Mono = due.Add(time.Duration(i%7) * time.Millisecond / 2)
		if off := late.now.Mono.Sub(exact.at[i]); off < 0 || off > 10*time.Millisecond {
			t.Fatalf("advertisement %d is %v off", i, off)
		}
		if i > 0 && late.now.Mono.Sub(last) < DefaultIntervalMin {
			t.Fatalf("advertisement %d after %v", i, late.now.Mono.Sub(last))
		}
		last = late.now.Mono
		var out engine.Effects
		late.a.Tick(late.now, &out)
		if len(out.List) != 1 {
			t.Fatalf("%d effects of tick %d", len(out.List), i)
		}
	}
	for _, x := range []*world{exact, late} { // a second without the processor, for one of them
		if x.at = nil; x == late {
			x.now.Mono = x.now.Mono.Add(time.Second)
		}
		x.pass(12*time.Second - time.Duration(x.now.Mono))
	}
	if n := len(late.at); n > len(exact.at)-10 || !slices.Equal(late.at[n-10:], exact.at[len(exact.at)-10:]) {
		t.Errorf("a short pause shifts what follows: %v, want %v", late.at, exact.at)
	}
	late.now.Mono = late.now.Mono.Add(time.Minute) // the host slept
	n := len(late.at)
	late.pass(time.Second)
	if got := len(late.at) - n; got > 1+int(time.Second/DefaultIntervalMin)*3/4 {
		t.Errorf("%d advertisements in the second after a pause", got)
	}
}

// The answer to a solicitation waits at most MAX_RA_DELAY_TIME; many solicitations are one answer, and none makes the router
// exceed MinDelay.
//
// spec MIP-07
func TestSolicited(t *testing.T) {
	w := newWorld(t, config(200*time.Second, 600*time.Second, MaxDelay), 1)
	w.pass(100 * time.Second)
	n := len(w.at)
	for range 50 {
		w.a.Heard(w.now, 1)
		w.a.Heard(w.now, 2) // another link's
	}
	w.pass(MaxDelay)
	if len(w.at) != n+1 {
		t.Errorf("%d answers", len(w.at)-n)
	}
	w = newWorld(t, config(200*time.Second, 600*time.Second, 0), 1)
	w.pass(100 * time.Second)
	n = len(w.at)
	for range 1000 { // a flood for a second
		w.a.Heard(w.now, 1)
		w.pass(time.Millisecond)
	}
	if got := len(w.at) - n; got < 30 || got > int(time.Second/MinDelay)+1 {
		t.Errorf("%d answers to a flood of a second", got)
	}
}

// What it says of itself, and nothing once the link is down.
//
// spec MIP-05 MIP-07
func TestContent(t *testing.T) {
	c := config(time.Second, time.Second, 0)
	c.HomeAgent = &nd.HomeAgentInfo{Preference: 7, Lifetime: time.Hour}
	w := newWorld(t, c, 1)
	w.pass(0)
	ra := w.ras[0]
	p := ra.Options.Prefixes[0]
	if !ra.HomeAgent || ra.Options.HomeAgent.Preference != 7 || ra.Options.MTU != 1400 || ra.Options.SourceHW != hw ||
		ra.Options.AdvInterval != time.Second || ra.Lifetime != DefaultLifetime {
		t.Errorf("%+v", ra)
	}
	if p.Prefix != prefix || p.Addr != router || !p.RouterAddr || !p.OnLink || !p.Autonomous || p.Valid != DefaultValid || p.Preferred != DefaultPreferred {
		t.Errorf("%+v", p)
	}
	w.a.Down(engine.LinkDown{Port: 1})
	w.a.Heard(w.now, 1)
	if due, _ := w.a.Deadline(); due != engine.Never {
		t.Error("speaks on a link that is down")
	}
	if w.a.Sent() != 1 {
		t.Errorf("%d sent", w.a.Sent())
	}
}

// What mobile nodes must know to be let in is asked for anew with each advertisement.
func TestAccess(t *testing.T) { //spec DM-05
	c := config(time.Second, time.Second, MaxDelay)
	n := byte(0)
	c.Access = func() *nd.Access {
		if n++; n == 1 {
			return nil
		}
		return &nd.Access{LocalChallenge: slices.Repeat([]byte{n}, 8), Network: "visited.example", Client: router}
	}
	w := newWorld(t, c, 1)
	w.pass(2 * time.Second)
	if len(w.ras) != 3 || w.ras[0].Options.Access != nil {
		t.Fatalf("%d advertisements, the first with %+v", len(w.ras), w.ras[0].Options.Access)
	}
	for i, ra := range w.ras[1:] {
		if a := ra.Options.Access; a == nil || a.LocalChallenge[0] != byte(i+2) || a.Network != "visited.example" || a.Client != router {
			t.Errorf("%d: %+v", i, a)
		}
	}
}
