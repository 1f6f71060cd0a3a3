package mn

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/enrol"
	"roam6/plane"
	wireaccess "roam6/wire/access"
	"roam6/wire/mh"
)

// Whom the next router was told of registers at once, and asks to be let in beside it.
func TestAnnounced(t *testing.T) { //spec DM-08
	b, effects := announcedAt(t, true, withAAA)
	coa := coaOf(prefixB, hw1)
	u := b.update(effects)
	q := b.question(b.closed(wlan, ar2))
	if q.Binding != nil || q.CareOf != coa || u.Options.AltCareOf != coa {
		t.Fatalf("asked for %+v, told %+v", q.Request, u.BindingUpdate)
	}
	again := b.update(b.pass(1100 * time.Millisecond)) // the first was lost
	if again.Seq != u.Seq+1 {
		t.Errorf("sequence %d after %d", again.Seq, u.Seq)
	}
	b.do(b.ack(again, mh.Accepted, nil))
	b.want(plane.Tunnel, coa, "bound")
	effects = b.do(b.reply(q, b.granted(q, nil), true))
	if !b.has(effects, eventLetIn) || len(b.updates(effects)) != 0 || len(b.questions(effects)) != 0 || !b.n.accessOf(wlan).applicant.Admitted(b.now, coa) {
		t.Error("not let in, or asked again")
	}
	effects = b.stay(LentFor+time.Second, wlan, ar2)
	b.want(plane.Tunnel, coa, "bound")
	if b.has(effects, engine.EventFailed) || len(b.updates(effects)) != 0 {
		t.Error("what was lent is missed though the node was let in")
	}
}

// Whom nobody has announced, as far as it knows, asks first: the gate is closed.
func TestNotAnnounced(t *testing.T) { //spec DM-08
	b, _ := announcedAt(t, false, withAAA)
	effects := b.closed(wlan, ar2)
	q := b.question(effects)
	u, ok := b.embedded(q)
	if !ok || u.Options.AltCareOf != coaOf(prefixB, hw1) || len(b.updates(effects)) != 0 {
		t.Fatalf("asked for %+v", q.Request)
	}
	if list := b.updates(b.pass(3 * time.Second)); len(list) != 0 { // but in requests
		t.Errorf("%d updates into a closed gate", len(list))
	}
	b.do(b.reply(q, b.granted(q, b.ack(u, mh.Accepted, nil).Data), true))
	b.want(plane.Tunnel, coaOf(prefixB, hw1), "bound")
}

// Whom the next router awaits behind a closed gate, as the previous one has heard, asks first: its update travels with the request.
func TestAnnouncedInVain(t *testing.T) { //spec DM-08
	b, _ := announcedBy(t, withAAA, func(ack *mh.FastBindingAck) { ack.Options.SetClosed() })
	if b.n.accessOf(wlan).lent != 0 {
		t.Error("trusted")
	}
	q := b.question(b.closed(wlan, ar2))
	u, ok := b.embedded(q)
	if !ok {
		t.Fatalf("asked for %+v", q.Request)
	}
	b.do(b.reply(q, b.granted(q, b.ack(u, mh.Accepted, nil).Data), true))
	b.want(plane.Tunnel, coaOf(prefixB, hw1), "bound")
}

// Where the trust was in vain all the same, the update that has no answer leaves again with the home network's; one that left behind the request has
// its time.
func TestTrustedInVain(t *testing.T) { //spec DM-08
	b, effects := announcedAt(t, true, withAAA)
	lost := b.update(effects)
	q := b.question(b.closed(wlan, ar2))
	b.pass(100 * time.Millisecond)
	u := b.update(b.do(b.reply(q, b.granted(q, nil), true)))
	if u.Seq != lost.Seq+1 {
		t.Errorf("sequence %d after %d", u.Seq, lost.Seq)
	}
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, coaOf(prefixB, hw1), "bound")

	b, effects = announcedAt(t, true, withAAA)
	b.update(effects)
	q = b.question(b.closed(wlan, ar2))
	u = b.update(b.pass(1100 * time.Millisecond))
	if list := b.updates(b.do(b.reply(q, b.granted(q, nil), true))); len(list) != 0 {
		t.Error("sent again before the answer can be there")
	}
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, coaOf(prefixB, hw1), "bound")
}

// Who lacks keys has nothing to register with: being announced does not help.
func TestAnnouncedWithoutKeys(t *testing.T) { //spec DM-08
	b, _ := announcedAt(t, true, withAAA)
	b.n.id.sa = nil
	b.do(engine.Tick{})
	if q := b.question(b.closed(wlan, ar2)); q.Binding == nil || len(q.Keys) != 1 {
		t.Errorf("asked for %+v", q.Request)
	}
}

// Who registered on trust and is then refused, or hears nothing until the trust is over, keeps what applications send, and registers anew when
// it is let in.
func TestTrustEnds(t *testing.T) { //spec DM-08
	coa := coaOf(prefixB, hw1)
	for _, refused := range []bool{false, true} {
		b, effects := announcedAt(t, true, withAAA)
		b.do(b.ack(b.update(effects), mh.Accepted, nil))
		q := b.question(b.closed(wlan, ar2))
		b.want(plane.Tunnel, coa, "bound")
		if refused {
			effects = b.do(b.reply(q, &wireaccess.Reply{Result: 5003}, true))
		} else {
			effects = b.pass(LentFor - time.Millisecond)
			b.want(plane.Tunnel, coa, "bound")
			b.pass(2 * time.Millisecond)
		}
		if r := &b.n.home; b.path.Mode != plane.Hold || r.phase != updating || b.n.strategy.State() != "registering" || b.has(effects, engine.EventFailed) != refused {
			t.Fatalf("refused %v: path %s, %s, %s", refused, b.path.Mode, r.phase, b.n.strategy.State())
		}
		if refused {
			if s := b.n.accessOf(wlan).applicant.State(); s != enrol.Resting {
				t.Fatalf("%s", s)
			}
			all := b.stay(enrol.Pause+100*time.Millisecond, wlan, ar2)
			q = b.question(all)
			u, ok := b.embedded(q)
			if !ok {
				t.Fatalf("asked for %+v", q.Request)
			}
			b.do(b.reply(q, b.granted(q, b.ack(u, mh.Accepted, nil).Data), true))
		} else {
			u := b.update(b.do(b.reply(q, b.granted(q, nil), true)))
			b.do(b.ack(u, mh.Accepted, nil))
		}
		b.want(plane.Tunnel, coa, "bound")
	}
}

// What was lent ends with the link that it was lent on.
func TestTrustOfAnotherLink(t *testing.T) { //spec DM-08
	b, effects := announcedAt(t, true, withAAA)
	b.do(b.ack(b.update(effects), mh.Accepted, nil))
	if b.n.accessOf(wlan).lent == 0 {
		t.Fatal("nothing was lent")
	}
	b.down(wlan)
	if b.n.accessOf(wlan).lent != 0 {
		t.Error("lent without a link")
	}
	b.up(wlan)
	if q := b.question(b.closed(wlan, ar1)); q.Binding == nil {
		t.Error("an update past the gate")
	}
}
