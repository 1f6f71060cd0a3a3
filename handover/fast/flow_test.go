package fast

import (
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
	"roam6/wire/ip6"
	lw "roam6/wire/lwkrb"
	"roam6/wire/nd"
)

var hint = engine.LinkHint{Port: cell, Attachment: "two", HW: cellTwo}

func (w *world) hint() {
	w.do(func(out *engine.Effects) { w.m.Hint(w.now, hint, out) })
}

// The three cases: the same messages over the air, known before the link switches, delivered one way over the air after it.
func TestThreeCases(t *testing.T) { //spec FH-01 FH-03 FH-04 FH-05 FH-09 FH-10 FH-11 FH-12 FH-13 FH-14 FH-15 FH-21
	for _, c := range []struct {
		name   string
		sealer lw.Principal
		kdc    time.Duration
		wait   time.Duration // at the KDC
	}{{"shared key", shared, toKDC, 0}, {"local KDC", local, toKDC, toKDC}, {"home KDC", home, toKDC + toHome, toKDC + toHome}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.sealer)
			w.kdc = c.kdc
			began := w.now.Mono
			w.hint()
			for len(w.attached) == 0 && w.now.Mono.Sub(began) < time.Second {
				w.pass(time.Millisecond / 2)
			}
			want := 4*air + 2*wired + c.wait
			if took := w.now.Mono.Sub(began); took < want || took > want+time.Millisecond || !slices.Equal(w.attached, []string{"two"}) {
				t.Fatalf("ready after %v, want %v; %v, drops %v", took, want, w.attached, w.drops)
			}
			if w.m.State() != "ready" || w.par.path(pcoa).Mode != plane.Tunnel || w.par.path(pcoa).Remote != ncoa || w.nar.path(ncoa).Mode != plane.Hold || !w.nar.open(ncoa) {
				t.Fatalf("%s: %v %v, gate %v", w.m.State(), w.par.paths, w.nar.paths, w.nar.gates)
			}
			if got := strings.Join(w.says, " "); got != "RtSolPr/PrRtAdv Redirect Ack NS Authenticated" {
				t.Errorf("on the air: %s", got)
			}
			w.says = nil
			w.move(cellTwo, "two")
			w.pass(air)
			if len(w.nar.updates) != 1 || w.nar.path(ncoa).Mode != plane.Direct || w.nar.path(ncoa).To != mnHW {
				t.Errorf("%d updates, %v", len(w.nar.updates), w.nar.paths)
			}
			if got := strings.Join(w.says, " "); got != "NA SHIN+" || w.bare != 0 {
				t.Errorf("on the air: %s; %d updates besides", got, w.bare)
			}
			w.do(func(out *engine.Effects) { w.m.Registered(w.now, cell, out) })
			if w.m.State() != "base" || len(w.fell) != 0 || len(w.drops) != 0 {
				t.Errorf("%s, %v, %v", w.m.State(), w.fell, w.drops)
			}
			if _, proxied := w.nar.locals[ncoa]; proxied {
				t.Error("the address is represented still")
			}
			w.pass(time.Minute)
			if len(w.nar.paths)+len(w.par.paths) != 0 || !w.nar.open(ncoa) {
				t.Errorf("after a minute: %v, %v, %v", w.par.paths, w.nar.paths, w.nar.gates)
			}
			w.pass(2 * time.Hour)
			if w.nar.open(ncoa) {
				t.Error("the gate outlives the session")
			}
		})
	}
}

// The link switches before the answer: what the node says there has its ap-req in it, and is known in one round trip over the air. Until then
// nothing is delivered, no update leaves, and the gate is shut.
func TestSoonerThanTheAnswer(t *testing.T) { //spec FH-10 FH-11 FH-12
	w := newWorld(t, local)
	w.kdc = 60 * time.Millisecond
	w.hint()
	w.pass(5 * time.Millisecond)
	w.move(cellTwo, "two")
	w.pass(air)
	if len(w.nar.updates) != 0 || w.nar.path(ncoa).Mode != plane.Hold || w.nar.open(ncoa) || w.m.State() != "arrived" {
		t.Fatalf("before it is known: %d updates, %v, %s", len(w.nar.updates), w.nar.paths, w.m.State())
	}
	w.pass(60 * time.Millisecond)
	if len(w.nar.updates) != 1 || w.nar.path(ncoa).Mode != plane.Direct || !w.nar.open(ncoa) || w.par.path(pcoa).Mode != plane.Tunnel {
		t.Errorf("then: %d updates, %v, %v, %v", len(w.nar.updates), w.nar.paths, w.par.paths, w.drops)
	}
	if w.wishes[len(w.wishes)-1] != "open" {
		t.Errorf("the node does not send: %v", w.wishes)
	}
}

// Nothing was prepared: the node authenticates itself on the link, where the router says who it is, and its update goes with it.
func TestUnprepared(t *testing.T) { //spec FH-11 FH-12 FH-13 RT-32
	w := newWorld(t, shared)
	w.move(cellOne, "one")
	w.pass(100 * time.Millisecond)
	if !w.par.open(pcoa) || w.m.State() != "base" {
		t.Fatalf("not let in: %v %v %s", w.par.gates, w.drops, w.m.State())
	}
	w.says = nil
	w.move(cellTwo, "two") // without notice
	w.pass(2 * air)
	if got := strings.Join(w.says, " "); got != "SHIN Authenticated Notification+" || len(w.nar.updates) != 1 || !w.nar.open(ncoa) {
		t.Errorf("on the air: %s, %d updates, drops %v, fell %v", got, len(w.nar.updates), w.drops, w.fell)
	}
	w.pass(air + wired)
	if w.par.path(pcoa).Mode != plane.Tunnel {
		t.Errorf("the previous router does not forward: %v %v", w.par.paths, w.drops)
	}
}

// The network begins the handover: a node without a key with its router takes that only if it is configured to, one with a key under AH alone.
func TestNetworkBegins(t *testing.T) { //spec RT-05 FH-18
	args := map[string]string{"mobile": mnHW.String(), "cell": cellTwo.String()}
	for _, c := range []struct {
		name string
		keys bool
		open bool
		want bool
	}{{"stranger", false, false, false}, {"stranger, believed", false, true, true}, {"with a key", true, false, true}} {
		w := newWorld(t, shared)
		w.m.c.NetworkInitiated = c.open
		if c.keys {
			w.move(cellOne, "one")
			w.pass(time.Second)
		}
		var out engine.Effects
		if known, err := w.par.Command(w.now, VerbHandover, args, &out); !known || err != nil {
			t.Fatal(known, err)
		}
		w.routerOut(w.par, &out)
		w.pass(50 * time.Millisecond)
		if got := w.m.State() == "ready"; got != c.want {
			t.Errorf("%s: %s, %v", c.name, w.m.State(), w.drops)
		}
	}
	w := newWorld(t)
	for _, bad := range []map[string]string{{"mobile": "x", "cell": cellTwo.String()}, {"mobile": mnHW.String(), "cell": mnHW.String()}, {"cell": cellTwo.String()}} {
		if known, err := w.par.Command(w.now, VerbHandover, bad, &engine.Effects{}); !known || err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
	if known, _ := w.par.Command(w.now, "cells", nil, &engine.Effects{}); known {
		t.Error("another strategy's verb")
	}
}

// The KDC is silent: the node waits no longer than PrepareFor, says so, and is where it was.
func TestSilentKDC(t *testing.T) { //spec FH-14 FH-22
	w := newWorld(t, home)
	w.kdc = 0
	w.hint()
	w.pass(PrepareFor + 10*time.Millisecond)
	if len(w.fell) != 1 || w.m.State() != "base" || len(w.par.paths) != 0 || len(w.attached) != 0 {
		t.Errorf("%v, %s, %v", w.fell, w.m.State(), w.par.paths)
	}
	w.pass(time.Minute)
	if len(w.nar.paths) != 0 || w.nar.locals[ncoa].Proxy || w.nar.open(ncoa) {
		t.Errorf("the next router holds on: %v %v", w.nar.paths, w.nar.locals)
	}
}

// The local KDC is silent and the shared key is not known: with another ticket it goes on.
func TestNextTicket(t *testing.T) { //spec FH-08 FH-13
	w := newWorld(t, "mobileip/access.a.example@A.EXAMPLE", local)
	w.nar.c.Keys = w.nar.c.Keys[:1] // no shared key, and no KDC for it
	w.nar.c.Kerberos.KDC, w.nar.c.AskKDC = false, nil
	w.restart(w.nar)
	w.hint()
	w.pass(2 * time.Second)
	if len(w.fell) != 1 || w.m.State() != "base" || w.events["lwkrb.asked"] != 2 {
		t.Errorf("%v, %s, %d ap-reqs", w.fell, w.m.State(), w.events["lwkrb.asked"])
	}
}

// Without a ticket nothing is begun.
func TestNoTicket(t *testing.T) {
	w := newWorld(t)
	w.hint()
	w.pass(time.Second)
	if len(w.fell) != 1 || !strings.Contains(w.fell[0], "no ticket") || slices.Contains(w.says, "Ack") {
		t.Errorf("%v %v", w.fell, w.says)
	}
}

// Any message may be lost once or twice: the handover goes on.
func TestLoss(t *testing.T) { //spec FH-10
	for _, what := range []string{"RtSolPr/PrRtAdv", "Redirect", "Ack", "Handover+", "Authenticated", "Authenticated+"} {
		w := newWorld(t, local)
		n := 0
		w.lost = func(got string) bool {
			if got == what {
				n++
			}
			return got == what && n <= 2
		}
		w.hint()
		w.pass(1200 * time.Millisecond)
		if w.m.State() != "ready" || w.par.path(pcoa).Mode != plane.Tunnel || n < 2 {
			t.Errorf("%s: %s, lost %d, fell %v, drops %v", what, w.m.State(), n, w.fell, w.drops)
		}
		if w.nar.kerberos.View().Counts.Accepted != [4]uint64{2: 1} {
			t.Errorf("%s: %v", what, w.nar.kerberos.View().Counts)
		}
	}
}

// Back where it was: forwarding ends, whether the link never switched or the next router could not be reached.
func TestReversal(t *testing.T) { //spec FH-19
	for _, keys := range []bool{false, true} {
		w := newWorld(t, shared)
		if keys {
			w.move(cellOne, "one")
			w.pass(time.Second)
		}
		w.hint()
		w.pass(50 * time.Millisecond)
		if w.par.path(pcoa).Mode != plane.Tunnel {
			t.Fatal("nothing to undo")
		}
		w.says = nil
		w.move(cellOne, "one")
		w.pass(2 * air)
		want := "Notification"
		if keys {
			want = "Notification+"
		}
		if w.par.path(pcoa).Mode == plane.Tunnel || !slices.Contains(w.says, want) {
			t.Errorf("keys %v: %v, %v, drops %v", keys, w.par.paths, w.says, w.drops)
		}
		w.pass(time.Minute)
		if len(w.nar.paths) != 0 || w.nar.open(ncoa) {
			t.Errorf("the next router waits for ever: %v", w.nar.paths)
		}
	}
	w := newWorld(t, shared)
	w.hint()
	w.pass(Patience + 100*time.Millisecond)
	if len(w.par.paths) != 0 || len(w.fell) != 1 {
		t.Errorf("the link did not switch: %v, %v", w.par.paths, w.fell)
	}
	w = newWorld(t, shared)
	w.hint()
	w.pass(50 * time.Millisecond)
	w.move(plane.HW{}, "")
	w.pass(handover.ExpectFor + time.Second)
	if len(w.par.paths) != 0 || len(w.nar.paths) != 0 {
		t.Errorf("gone for good: %v %v", w.par.paths, w.nar.paths)
	}
}

// There and back again: nothing goes round in a circle.
func TestThereAndBack(t *testing.T) { //spec FH-19
	w := newWorld(t, shared)
	w.hint()
	w.pass(50 * time.Millisecond)
	w.move(cellTwo, "two")
	w.pass(time.Second)
	w.do(func(out *engine.Effects) { w.m.Registered(w.now, cell, out) })
	w.do(func(out *engine.Effects) {
		w.m.Hint(w.now, engine.LinkHint{Port: cell, Attachment: "one", HW: cellOne}, out)
	})
	w.pass(50 * time.Millisecond)
	if w.nar.path(ncoa).Mode != plane.Tunnel || w.par.path(pcoa).Mode != plane.Hold {
		t.Fatalf("%v %v %s %v", w.nar.paths, w.par.paths, w.m.State(), w.drops)
	}
	w.says = nil
	w.move(cellOne, "one")
	w.pass(time.Second)
	if w.par.path(pcoa).Mode != plane.Direct || w.par.path(pcoa).To != mnHW || slices.Contains(w.says, "Notification") || slices.Contains(w.says, "Notification+") {
		t.Errorf("%v %v", w.par.paths, w.says)
	}
}

// The same by SHREP.
func TestSHREP(t *testing.T) { //spec FH-20
	w := newWorld(t, shared)
	w.par.c.SHREP = true
	w.restart(w.par)
	n := 0
	w.lost = func(what string) bool {
		if what == "SHREP+" {
			n++
		}
		return false
	}
	w.hint()
	w.pass(50 * time.Millisecond)
	if w.m.State() != "ready" || n != 1 {
		t.Errorf("%s, %d", w.m.State(), n)
	}
}

// A router that was started again knows nobody: the node that gets no answer says anew who it is.
func TestRestart(t *testing.T) { //spec FH-12 FH-18
	w := newWorld(t, shared)
	w.hint()
	w.pass(50 * time.Millisecond)
	w.move(cellTwo, "two")
	w.pass(100 * time.Millisecond)
	w.do(func(out *engine.Effects) { w.m.Registered(w.now, cell, out) })
	w.restart(w.nar)
	if w.nar.open(ncoa) {
		t.Fatal("the gate is open")
	}
	w.do(func(out *engine.Effects) { w.m.RegistrationFailed(w.now, cell, "no acknowledgement", out) })
	w.m.spoken[cell] = spoken{siteB.Router, nar, 0}
	w.do(func(out *engine.Effects) {
		if !w.m.Carry(w.now, cell, update(), out) {
			t.Error("the update is left alone")
		}
	})
	w.pass(10 * time.Millisecond)
	if !w.nar.open(ncoa) || len(w.nar.updates) != 2 {
		t.Errorf("%v, %d updates, %v", w.nar.gates, len(w.nar.updates), w.drops)
	}
}

// Its advertisements tell of a router's other life: the node does not wait for its own messages to fail. Who forges them makes it ask, not more
// often than RenewAfter has it.
func TestAnotherLife(t *testing.T) { //spec FH-12 FH-18
	w := newWorld(t, shared)
	tell := func(life uint32) {
		say := w.nar.Advertised()
		if life != 0 {
			say.Life = life
		}
		ra := &nd.RouterAdvertisement{Options: nd.Options{Handover: say}}
		w.do(func(out *engine.Effects) {
			w.m.Advertised(w.now, engine.Packet{Port: cell, From: narHW}, &ip6.Packet{Header: ip6.Header{Src: siteB.Router}}, ra, out)
		})
	}
	w.hint()
	w.pass(50 * time.Millisecond)
	w.move(cellTwo, "two")
	w.pass(100 * time.Millisecond)
	w.do(func(out *engine.Effects) { w.m.Registered(w.now, cell, out) })
	tell(0)
	w.restart(w.nar)
	w.pass(time.Second)
	tell(0)
	w.pass(10 * time.Millisecond)
	if !w.nar.open(ncoa) || w.m.State() != "base" {
		t.Fatalf("%v %s %v", w.nar.gates, w.m.State(), w.drops)
	}
	n := w.events["lwkrb.asked"]
	for i := range uint32(60) {
		tell(i + 1)
		w.pass(time.Second)
	}
	if got := w.events["lwkrb.asked"] - n; got < 5 || got > 7 {
		t.Errorf("%d ap-reqs in a minute of forged lives", got)
	}
}

// A session is renewed before it ends.
func TestRenewal(t *testing.T) { //spec FH-16
	w := newWorld(t, shared)
	w.m.Kerberos().Put(ticketOf(shared))
	w.move(cellTwo, "two")
	w.pass(50 * time.Minute)
	if v := w.nar.kerberos.View(); v.Counts.Accepted[1] < 2 || !w.nar.open(ncoa) {
		t.Errorf("%v", v.Counts)
	}
}

var _ handover.FastCore = (*world)(nil)

// Without a gate nothing waits for the KDC: the update goes on at once.
func TestNoGate(t *testing.T) { //spec FH-11
	w := newWorld(t, local)
	w.kdc = 0
	w.nar.c.Gate = false
	w.restart(w.nar)
	w.hint()
	w.pass(5 * time.Millisecond)
	w.move(cellTwo, "two")
	w.pass(air)
	if len(w.nar.updates) != 1 {
		t.Errorf("%d updates", len(w.nar.updates))
	}
}
