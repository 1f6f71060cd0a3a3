package admit

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// A request is checked, given to the role as it was sent, and replied to; the second needs no duplicate detection.
func TestExchange(t *testing.T) { //spec DM-04 DM-09
	w, m := newWorld(t), newMobile(1)
	sent := m.ask(w.c.Access().LocalChallenge)
	x := pick[Check](t, w.hear(m.hw, m.packets(sent)...))
	if x != (Check{m.coa, m.hw}) {
		t.Fatalf("%+v", x)
	}
	r := pick[Request](t, w.c.Checked(w.now, m.coa, false, &w.out))
	if !reflect.DeepEqual(r.Message, sent) || r.HW != m.hw {
		t.Errorf("request %+v, want %+v", r.Message, sent)
	}
	if !w.reply(r.Handle, good) {
		t.Fatal("not waited for")
	}
	if got := w.heard(m); !reflect.DeepEqual(got, good) {
		t.Errorf("reply %+v", got)
	}
	if w.reply(r.Handle, good) {
		t.Error("replied twice")
	}
	if r2 := pick[Request](t, w.ask(m)); r2.Handle == r.Handle {
		t.Error("the same handle again")
	}
	if v := w.c.View(); v.Requests != 2 || v.Replies != 1 || v.Waiting != 1 || v.Answered != 1 || v.Known != 1 {
		t.Errorf("%+v", v)
	} else if _, err := json.Marshal(v); err != nil {
		t.Error(err)
	}
	w.sound()
}

// A message of several parts is put together in any order, some twice; the reply is cut likewise.
func TestParts(t *testing.T) { //spec DM-04
	w, m := newWorld(t), newMobile(1)
	ask := m.ask(w.c.Access().LocalChallenge)
	ask.EAP = append([]byte{2, 1, 4096 >> 8, 0}, bytes.Repeat([]byte{7}, 4092)...)
	list := m.packets(ask)
	if len(list) < 3 {
		t.Fatalf("%d parts", len(list))
	}
	if facts := w.hear(m.hw, list[2], list[0], list[2]); facts != nil {
		t.Fatalf("%+v", facts)
	}
	rest := append([][]byte{list[1]}, list[3:]...)
	pick[Check](t, w.hear(m.hw, rest...))
	r := pick[Request](t, w.c.Checked(w.now, m.coa, false, &w.out))
	if !bytes.Equal(r.Message.EAP, ask.EAP) {
		t.Error("another EAP packet")
	}
	reply := &access.Reply{Result: uint32(diameter.MultiRoundAuth), EAP: append([]byte{1}, ask.EAP[1:]...)}
	w.reply(r.Handle, reply)
	if len(w.sent) < 3 {
		t.Errorf("%d parts sent", len(w.sent))
	}
	if got := w.heard(m); !reflect.DeepEqual(got, reply) {
		t.Error("another reply")
	}
	if w.c.View().Known != 0 {
		t.Error("a station is known before it was let in")
	}
	w.sound()
}

// Parts that do not come are forgotten, those that differ change nothing, and one source keeps few messages waiting.
func TestPartsMissing(t *testing.T) {
	w, m := newWorld(t), newMobile(1)
	ask := m.ask(w.c.Access().LocalChallenge)
	ask.EAP = append([]byte{2, 1, 8, 0}, make([]byte, 2044)...)
	first := m.packets(ask)
	w.hear(m.hw, first[0])
	other := m.ask(w.c.Access().LocalChallenge)
	other.EAP = append([]byte{2, 1, 8, 0}, bytes.Repeat([]byte{1}, 2044)...)
	w.hear(m.hw, m.again(other)[0])
	if w.drop["access-parts-differ"] != 1 {
		t.Errorf("%v", w.drop)
	}
	for range MaxPerSource {
		w.hear(m.hw, m.packets(ask)[0])
	}
	if w.drop["access-parts-full"] != 1 || w.c.View().Messages != MaxPerSource {
		t.Errorf("%v, %d messages", w.drop, w.c.View().Messages)
	}
	w.sound()
	w.pass(PartsFor)
	if w.drop["access-parts-missing"] != MaxPerSource || w.c.View().Messages != 0 {
		t.Errorf("%v, %d messages", w.drop, w.c.View().Messages)
	}
	if facts := w.hear(m.hw, first[1:]...); facts != nil {
		t.Errorf("%+v", facts)
	}
	w.sound()
}

// Strangers fill their share of the messages that wait for parts, and no more.
func TestPartsShare(t *testing.T) {
	w := newWorld(t)
	friend := newMobile(1 << 20)
	w.let(friend)
	part := func(m *mobile) {
		ask := m.ask(w.c.Access().LocalChallenge)
		ask.EAP = append([]byte{2, 1, 8, 0}, make([]byte, 2044)...)
		w.hear(m.hw, m.packets(ask)[0])
	}
	for i := range MaxMessages {
		part(newMobile(i))
		w.now.Mono += engine.Mono(time.Second / AllRate)
	}
	if got := len(w.c.messages); got != MaxMessages*StrangersShare/100 {
		t.Errorf("%d messages of strangers, %v", got, w.drop)
	}
	if part(friend); len(w.c.messages) != MaxMessages*StrangersShare/100+1 {
		t.Error("no room for who is known")
	}
	w.sound()
}

// A request that is repeated starts nothing, and has the same reply again while that is kept.
func TestRepeated(t *testing.T) { //spec DM-09
	w, m := newWorld(t), newMobile(1)
	list := m.packets(m.ask(w.c.Access().LocalChallenge))
	pick[Check](t, w.hear(m.hw, list...))
	if facts := w.hear(m.hw, list...); facts != nil {
		t.Errorf("while it is checked: %+v", facts)
	}
	r := pick[Request](t, w.c.Checked(w.now, m.coa, false, &w.out))
	if facts := w.hear(m.hw, list...); facts != nil || w.sent != nil {
		t.Errorf("while it waits: %+v, %d sent", facts, len(w.sent))
	}
	w.reply(r.Handle, good)
	w.sent = nil
	w.pass(AnsweredFor - time.Second)
	if facts := w.hear(m.hw, list...); facts != nil || !reflect.DeepEqual(w.heard(m), good) {
		t.Errorf("%+v, or not the same reply", facts)
	}
	if facts := w.hear(plane.HW{2, 9}, list...); facts != nil || w.sent != nil || w.drop["access-other-station"] != 1 {
		t.Errorf("told to another station: %+v, %v", facts, w.drop)
	}
	w.pass(time.Second)
	if w.hear(m.hw, list...); w.drop["access-replayed"] != 1 || w.sent != nil {
		t.Errorf("after it was forgotten: %v", w.drop)
	}
	if v := w.c.View(); v.Repeated != 3 || v.Answered != 0 {
		t.Errorf("%+v", v)
	}
	w.sound()
}

// Challenges rotate; the one before is fresh; who has an older one is told a fresh one, with which all goes well.
func TestStale(t *testing.T) { //spec DM-05 DM-09
	w, m := newWorld(t), newMobile(1)
	first := w.c.Access()
	if len(first.LocalChallenge) != challengeLen || first.Network != "visited.example" || first.Client != client {
		t.Fatalf("%+v", first)
	}
	w.pass(DefaultRotate)
	second := w.c.Access().LocalChallenge
	if bytes.Equal(first.LocalChallenge, second) {
		t.Fatal("not rotated")
	}
	pick[Check](t, w.hear(m.hw, m.packets(m.ask(first.LocalChallenge))...))
	w.pass(DefaultRotate)
	if facts := w.hear(m.hw, m.packets(m.ask(first.LocalChallenge))...); facts != nil || w.drop["access-stale"] != 1 {
		t.Fatalf("%+v, %v", facts, w.drop)
	}
	got := w.heard(m)
	if got == nil || got.Result != uint32(diameter.AuthenticationRejected) || !bytes.Equal(got.LocalChallenge, w.c.Access().LocalChallenge) {
		t.Fatalf("%+v", got)
	}
	pick[Check](t, w.hear(m.hw, m.packets(m.ask(got.LocalChallenge))...))
	if forged := bytes.Repeat([]byte{1}, challengeLen); w.hear(m.hw, m.packets(m.ask(forged))...) != nil || w.drop["access-stale"] != 2 {
		t.Errorf("a challenge that never was: %v", w.drop)
	}
}

// Refusals are limited: whoever makes the router send gains nothing by it.
func TestRefusalsAreLimited(t *testing.T) {
	w := newWorld(t)
	for i := range 2 * RefuseBurst {
		m := newMobile(i)
		w.hear(m.hw, m.packets(m.ask(make([]byte, challengeLen)))...)
	}
	if len(w.sent) != RefuseBurst || w.drop["access-stale"] != 2*RefuseBurst {
		t.Errorf("%d sent, %v", len(w.sent), w.drop)
	}
}

// A pair of challenges is taken once while its challenge lives, whoever sends it.
func TestReplayed(t *testing.T) { //spec DM-05 DM-09
	w, m, thief := newWorld(t), newMobile(1), newMobile(2)
	ask := w.let(m)
	for _, at := range []time.Duration{0, DefaultRotate} {
		w.pass(at)
		w.drop = map[string]int{}
		if w.hear(m.hw, m.packets(ask)...); w.drop["access-replayed"] != 1 {
			t.Errorf("after %v: %v", at, w.drop)
		}
		stolen := *ask
		stolen.CareOf = thief.coa
		if w.hear(thief.hw, thief.packets(&stolen)...); w.drop["access-replayed"] != 2 {
			t.Errorf("from another, after %v: %v", at, w.drop)
		}
	}
	w.pass(DefaultRotate)
	if w.hear(m.hw, m.packets(ask)...); w.drop["access-stale"] != 1 {
		t.Errorf("%v", w.drop)
	}
}

// EAP alone has no host challenge: its rounds follow each other.
func TestRoundsOfEAP(t *testing.T) { //spec DM-06
	w, m := newWorld(t), newMobile(1)
	w.c.Neighbour(w.now, m.coa, m.hw)
	for round := range 10 {
		ask := m.ask(w.c.Access().LocalChallenge)
		ask.HostChallenge, ask.Auth, ask.EAP = nil, nil, []byte{2, byte(round), 0, 5, 1}
		r := pick[Request](t, w.hear(m.hw, m.packets(ask)...))
		w.reply(r.Handle, &access.Reply{Result: uint32(diameter.MultiRoundAuth), EAP: []byte{1, byte(round + 1), 0, 5, 1}})
		if got := w.heard(m); got.EAP[1] != byte(round+1) {
			t.Fatalf("%+v", got)
		}
	}
}

// With as many pairs as there may be, a new challenge comes early; none of the pairs can be used again.
func TestPairsAreBounded(t *testing.T) {
	w, m := newWorld(t), newMobile(1)
	w.c.Neighbour(w.now, m.coa, m.hw)
	ask := w.let(m)
	old := w.c.Access().LocalChallenge
	for i := len(w.c.now.pairs); i < MaxPairs; i++ {
		w.c.take(w.now, &w.c.now, []byte{byte(i), byte(i >> 8), 3})
	}
	if bytes.Equal(old, w.c.Access().LocalChallenge) {
		t.Fatal("not rotated")
	}
	if w.hear(m.hw, m.packets(ask)...); w.drop["access-replayed"] != 1 {
		t.Errorf("%v", w.drop)
	}
	w.c.take(w.now, &w.c.last, []byte("one more"))
	if w.hear(m.hw, m.packets(ask)...); w.drop["access-stale"] != 1 {
		t.Errorf("%v", w.drop)
	}
	w.sound()
}

// Whatever is wrong with a packet is refused by name, and changes nothing: the same request done right is taken.
func TestRefused(t *testing.T) { //spec DM-09
	for reason, send := range map[string]func(w *world, m *mobile, ask *access.Request){ //order:any
		"access-not-for-us": func(w *world, m *mobile, ask *access.Request) {
			w.hear(m.hw, whole(m.coa, router, 255, access.Split(ask, 1)[0]))
		},
		"access-hop-limit": func(w *world, m *mobile, ask *access.Request) {
			w.hear(m.hw, whole(m.coa, client, 254, access.Split(ask, 1)[0]))
		},
		"access-headers": func(w *world, m *mobile, ask *access.Request) {
			p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: m.coa, Dst: client}, HomeAddress: router, Proto: ip6.ProtoICMPv6}
			p.Payload = access.Split(ask, 1)[0].Append(nil, router, client)
			w.hear(m.hw, p.Append(nil))
		},
		"access-bad-station": func(w *world, m *mobile, ask *access.Request) {
			w.hear(arHW, whole(m.coa, client, 255, access.Split(ask, 1)[0]))
		},
		"access-bad-source": func(w *world, m *mobile, ask *access.Request) {
			for _, src := range []netip.Addr{router, client, prefix.Addr(), netip.MustParseAddr("2001:db8:b::1"), ip6.LinkLocal(m.hw)} {
				clear(w.drop)
				w.hear(m.hw, whole(src, client, 255, access.Split(ask, 1)[0]))
				if w.drop["access-bad-source"] != 1 {
					t.Errorf("source %v: %v", src, w.drop)
				}
			}
		},
		"access-not-a-request": func(w *world, m *mobile, ask *access.Request) {
			w.hear(m.hw, whole(m.coa, client, 255, access.Split(good, 1)[0]))
		},
		"access-care-of": func(w *world, m *mobile, ask *access.Request) {
			other := *ask
			other.CareOf = newMobile(7).coa
			w.hear(m.hw, whole(m.coa, client, 255, access.Split(&other, 1)[0]))
		},
		"access-malformed": func(w *world, m *mobile, ask *access.Request) {
			b := whole(m.coa, client, 255, access.Split(ask, 1)[0])
			b[len(b)-1] ^= 1
			w.hear(m.hw, b)
			w.hear(m.hw, whole(m.coa, client, 255, access.Part{Subtype: access.SubtypeRequest, ID: 9, Parts: 1, Body: []byte{200, 2}}))
			if w.drop["access-malformed"] != 2 {
				t.Errorf("%v", w.drop)
			}
		},
	} {
		w, m := newWorld(t), newMobile(1)
		ask := m.ask(w.c.Access().LocalChallenge)
		if send(w, m, ask); w.drop[reason] == 0 || len(w.drop) != 1 || len(w.sent) != 0 {
			t.Errorf("%s: %v", reason, w.drop)
		}
		w.sound()
		if len(w.c.exchanges)+len(w.c.messages)+len(w.c.sources)+len(w.c.now.pairs) != 0 {
			t.Errorf("%s leaves something", reason)
		}
		pick[Check](t, w.hear(m.hw, m.packets(ask)...))
	}
	w, m := newWorld(t), newMobile(1)
	if facts := w.c.Heard(w.now, engine.Packet{Port: 2, From: m.hw}, &ip6.Packet{}, &w.out); facts != nil {
		t.Error("another link")
	}
}

// One address asks little at a time; identifiers are not used twice at once; two stations do not have one address.
func TestPerSource(t *testing.T) {
	w, m := newWorld(t), newMobile(1)
	w.ask(m)
	if w.hear(m.hw, m.again(m.ask(w.c.Access().LocalChallenge))...); w.drop["access-identifier-in-use"] != 1 {
		t.Errorf("%v", w.drop)
	}
	rival := newMobile(2)
	rival.coa = m.coa
	rival.id = 100
	if w.ask(rival); w.drop["access-contended"] != 1 {
		t.Errorf("%v", w.drop)
	}
	if facts := w.ask(m); facts != nil { // the check that is under way is for it as well
		t.Errorf("%+v", facts)
	}
	if w.ask(m); w.drop["access-in-progress"] != 1 {
		t.Errorf("%v", w.drop)
	}
	facts := w.c.Checked(w.now, m.coa, false, &w.out)
	if len(facts) != MaxPerSource || facts[0].(Request).Handle >= facts[1].(Request).Handle {
		t.Fatalf("%+v", facts)
	}
	w.reply(facts[1].(Request).Handle, good)
	if w.heard(&mobile{hw: m.hw, coa: m.coa, id: m.id - 1}) == nil {
		t.Error("the reply went to another request")
	}
	w.sound()
}

// An address that another has is refused, and asked about again next time.
func TestDuplicate(t *testing.T) { //spec DM-09
	w, m := newWorld(t), newMobile(1)
	pick[Check](t, w.ask(m))
	if facts := w.c.Checked(w.now, m.coa, true, &w.out); facts != nil {
		t.Fatalf("%+v", facts)
	}
	w.take()
	if got := w.heard(m); got == nil || got.Result != uint32(diameter.InvalidAVPValue) || w.drop["access-duplicate"] != 1 {
		t.Errorf("%+v, %v", got, w.drop)
	}
	pick[Check](t, w.ask(m))
	if w.c.Checked(w.now, newMobile(3).coa, true, &w.out) != nil {
		t.Error("nobody asked")
	}
	w.sound()
}

// Whom the router knows as the neighbour that has the address needs no duplicate detection; the first one that spoke for it counts.
func TestNeighbour(t *testing.T) {
	w, m, late := newWorld(t), newMobile(1), newMobile(2)
	w.c.Neighbour(w.now, m.coa, m.hw)
	w.c.Neighbour(w.now, m.coa, late.hw)
	w.c.Neighbour(w.now, router, late.hw)
	w.c.Neighbour(w.now, late.coa, plane.HW{1})
	if n := w.c.neighbours.len(); n != 1 {
		t.Errorf("%d entries", n)
	}
	late.coa = m.coa
	pick[Check](t, w.ask(late))
	w.c.Checked(w.now, m.coa, true, &w.out)
	pick[Request](t, w.ask(m))
	w.pass(2 * NeighbourFor)
	pick[Check](t, w.ask(m))
}

// Requests that nobody replies to are given up, and what waits on a link that goes down.
func TestGivenUp(t *testing.T) {
	w, m := newWorld(t), newMobile(1)
	w.c.Neighbour(w.now, m.coa, m.hw)
	r := pick[Request](t, w.ask(m))
	w.pass(PendingFor)
	if w.drop["access-unanswered"] != 1 || w.reply(r.Handle, good) {
		t.Errorf("%v", w.drop)
	}
	w.sound()
	r = pick[Request](t, w.hear(m.hw, m.packets(m.ask(w.c.Access().LocalChallenge))...))
	w.c.Down()
	if w.reply(r.Handle, good) || w.c.Access() != nil {
		t.Error("the link is down")
	}
	if at, _ := w.c.Deadline(); at != engine.Never {
		t.Error("waits for something")
	}
	if w.hear(m.hw, m.packets(m.ask(make([]byte, 16)))...); w.drop["access-not-for-us"] != 1 {
		t.Errorf("%v", w.drop)
	}
	w.sound()
}
