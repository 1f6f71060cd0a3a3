package admit

import (
	"testing"
	"time"

	"roam6/wire/access"
)

// long makes a request of several parts, as one with keys and an update is.
func (m *mobile) long(w *world) *access.Request {
	ask := m.ask(w.c.Access().LocalChallenge)
	ask.EAP = append([]byte{2, 1, 8, 0}, make([]byte, 2044)...)
	return ask
}

// A station that sends parts of messages from another's address, and never the rest of them, does not keep that one out.
func TestPartsFromAnothersAddress(t *testing.T) { //spec DM-09
	w, victim, evil := newWorld(t), newMobile(1), newMobile(2)
	evil.coa, evil.id = victim.coa, 1000
	for range 3 * MaxPerSource {
		w.hear(evil.hw, evil.packets(evil.long(w))[0])
	}
	pick[Check](t, w.hear(victim.hw, victim.packets(victim.long(w))...))
	w.sound()
}

// Nor does one that sends as much as it may from there.
func TestRateFromAnothersAddress(t *testing.T) { //spec DM-09
	w, victim, evil := newWorld(t), newMobile(1), newMobile(2)
	evil.coa, evil.id = victim.coa, 1000
	for range 100 {
		w.hear(evil.hw, evil.packets(evil.long(w))[0])
		w.now.Mono = w.now.Mono.Add(time.Second / StationRate)
		w.c.Tick(w.now, &w.out)
	}
	pick[Check](t, w.hear(victim.hw, victim.packets(victim.long(w))...))
}

// Strangers that send parts of messages, and never the rest, keep out none that sends all of one; nor those that were let in.
func TestPartsThatNeverComeWhole(t *testing.T) { //spec DM-09
	w, honest, friend := newWorld(t), newMobile(1<<20), newMobile(1<<21)
	w.let(friend)
	for i := range 2 * MaxMessages {
		m := newMobile(i)
		w.hear(m.hw, m.packets(m.long(w))[0])
		w.now.Mono = w.now.Mono.Add(2 * time.Second / AllRate)
	}
	if len(w.c.messages) != MaxMessages*StrangersShare/100 {
		t.Fatalf("%d messages, %v", len(w.c.messages), w.drop)
	}
	pick[Check](t, w.hear(honest.hw, honest.packets(honest.long(w))...))
	pick[Request](t, w.hear(friend.hw, friend.packets(friend.long(w))...))
	w.sound()
}
