package sa

import (
	"encoding/binary"
	"strings"
	"testing"

	"roam6/engine"
	"roam6/keying/replay"
	wireesp "roam6/wire/esp"
	"roam6/wire/ip6"

	"pgregory.net/rapid"
)

// A crash may come between any two effects: what is durable is then a prefix of the Persists, and what was sent a
// prefix of the Sends. Whatever the moment, the next life must use no number that an earlier one sent.
func TestSequenceNumbersNeverRepeat(t *testing.T) { //spec MIP-02
	rapid.Check(t, func(t *rapid.T) {
		conf, _ := espConfigs()
		var durable []engine.Record
		sent := map[uint32]bool{}
		for life := range rapid.IntRange(1, 6).Draw(t, "lives") {
			s, err := New(conf, "ha")
			if err != nil {
				t.Fatal(err)
			}
			RestoreAll(durable, []*SA{s})
			packets := rapid.OneOf(rapid.IntRange(1, 4), rapid.IntRange(ReserveBlock-2, ReserveBlock+2)).Draw(t, "packets")
			for i := range packets {
				var out engine.Effects
				b := s.Protect(at(0), up, update(1), &out)
				out.Send(1, [6]byte{}, b)
				effects := len(out.List)
				if i == packets-1 {
					effects = rapid.IntRange(0, effects).Draw(t, "effects before the crash")
				}
				for _, e := range out.List[:effects] {
					switch e := e.(type) {
					case engine.Persist:
						durable = append(durable, engine.Record(e))
					case engine.Send:
						if seq := sequence(t, e.Data); sent[seq] {
							t.Fatalf("life %d: number %d sent twice", life, seq)
						} else {
							sent[seq] = true
						}
					}
				}
			}
		}
	})
}

type fataler interface{ Fatal(args ...any) }

func sequence(t fataler, b []byte) uint32 {
	p, err := ip6.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	_, seq, err := wireesp.Peek(p.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func TestReservationComesBeforeTheSend(t *testing.T) {
	s, _ := pair(t, "esp")
	writes := 0
	for i := range 3*ReserveBlock + 1 {
		var out engine.Effects
		s.Protect(at(0), up, update(1), &out)
		if recs := recordsOf(out); len(recs) > 0 {
			writes++
			if got := binary.BigEndian.Uint64(recs[0].Value); got != uint64(i+ReserveBlock) {
				t.Errorf("packet %d reserves up to %d", i+1, got)
			}
		}
	}
	if writes != 4 {
		t.Errorf("%d durable writes for %d packets, want 4", writes, 3*ReserveBlock+1)
	}
}

func TestWindowEdges(t *testing.T) { //spec MIP-02
	mn, home := pair(t, "esp")
	var out engine.Effects
	packets := [][]byte{nil}
	for range 3 * replay.Size {
		packets = append(packets, mn.Protect(at(0), up, update(1), &out))
	}
	for _, c := range []struct {
		seq  int
		want string
	}{
		{100, ""}, {100, ESPReplay},
		{100 - replay.Size + 1, ""}, {100 - replay.Size + 1, ESPReplay}, // the last place in the window
		{100 - replay.Size, ESPReplay}, // just left of it
		{99, ""}, {1, ESPReplay},
		{101, ""}, {100, ESPReplay}, {99, ESPReplay}, {98, ""},
		{101 + replay.Size - 1, ""}, {101, ESPReplay}, {102, ""}, // moved to its edge: all behind is still remembered
		{191, ""}, {102, ESPReplay}, {128, ""}, {127, ESPReplay},
	} {
		if _, reason := verify(t, home, at(0), packets[c.seq]); reason != c.want {
			t.Errorf("number %d: %q, want %q", c.seq, reason, c.want)
		}
	}
}

// Forged packets do not move the window.
func TestForgeryDoesNotMoveTheWindow(t *testing.T) {
	mn, home := pair(t, "esp")
	var out engine.Effects
	first := mn.Protect(at(0), up, update(1), &out)
	mn.esp.sent = 1 << 20
	forged := mn.Protect(at(0), up, update(1), &out)
	forged[len(forged)-1] ^= 1
	if _, reason := verify(t, home, at(0), forged); reason != ESPAuth {
		t.Fatal(reason)
	}
	if m, reason := verify(t, home, at(0), first); m == nil {
		t.Errorf("after a forgery the first message is refused: %s", reason)
	}
}

// The high half of the number is not sent: it must be found again when the low half runs over, RFC 4303 appendix A2.
func TestExtendedSequenceNumbers(t *testing.T) { //spec MIP-02
	mn, home := pair(t, "esp")
	var out engine.Effects
	mn.esp.sent, mn.esp.reserved = 1<<32-10, 1<<33
	home.esp.window = replay.Restored(1<<32 - 10)
	var packets [][]byte
	for range 40 {
		packets = append(packets, mn.Protect(at(0), up, update(1), &out))
	}
	for _, i := range []int{20, 3, 12, 39, 0, 10, 9} {
		if m, reason := verify(t, home, at(0), packets[i]); m == nil {
			t.Errorf("packet %d after 2^32-10: %s", i+1, reason)
		}
	}
	if want := uint64(1<<32 + 30); home.esp.window.Top() != want {
		t.Errorf("top is %d, want %d", home.esp.window.Top(), want)
	}
	if _, reason := verify(t, home, at(0), packets[3]); reason != ESPReplay {
		t.Errorf("replay across the run: %q", reason)
	}
}

func TestDamagedRecordPanicsWithAdvice(t *testing.T) {
	s, _ := pair(t, "esp")
	defer func() {
		if r, ok := recover().(string); !ok || !strings.Contains(r, "new keys") {
			t.Errorf("recovered %v", r)
		}
	}()
	s.Restore(engine.Record{Bucket: Bucket, Key: s.outRecord, Value: []byte{1, 2, 3}})
}

func TestRestoreIgnoresOthers(t *testing.T) {
	s, other := pair(t, "esp")
	s.Restore(engine.Record{Bucket: "binding", Key: s.outRecord, Value: []byte{1}})
	s.Restore(engine.Record{Bucket: Bucket, Key: "out/0x00001001/ffff", Value: []byte{1}})
	s.Restore(engine.Record{Bucket: Bucket, Key: other.outRecord, Value: record(9, "x")})
	if s.esp.sent != 0 || s.esp.window.Top() != 0 {
		t.Errorf("restored %d, %d", s.esp.sent, s.esp.window.Top())
	}
}
