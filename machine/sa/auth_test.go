package sa

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

func TestNTP(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		want uint64
	}{
		{time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), 0x83aa7e80 << 32},
		{time.Date(2026, 3, 1, 0, 0, 0, 500_000_000, time.UTC), 3981312000<<32 | 1<<31},
		{time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC), 0}, // era 1 begins
	} {
		if got := ntp(c.at); got != c.want {
			t.Errorf("%v: %#x, want %#x", c.at, got, c.want)
		}
	}
	last := ntp(time.Date(2036, 2, 7, 6, 28, 15, 999_999_999, time.UTC))
	if first := ntp(time.Date(2036, 2, 7, 6, 28, 17, 0, time.UTC)); !later(first, last) || later(last, first) {
		t.Error("the new era is not later")
	}
}

// The clock of the mobile node is an hour wrong: it learns the home agent's from the refusal (RFC 4285 §6).
func TestIDMismatchCorrectsTheClock(t *testing.T) { //spec MIP-03
	for _, wrong := range []time.Duration{-time.Hour, time.Hour} {
		mn, home := pair(t, "auth")
		var out engine.Effects
		if _, reason := verify(t, home, at(0), mn.Protect(at(wrong), up, update(1), &out)); reason != AuthReplay {
			t.Fatalf("%v: %q", wrong, reason)
		}
		m, reason := verify(t, mn, at(wrong), home.Protect(at(0), down, &mh.BindingAck{Status: mh.IDMismatch, Seq: 1}, &out))
		if ack, ok := m.(*mh.BindingAck); !ok || ack.Status != mh.IDMismatch {
			t.Fatalf("%v: refusal arrives as %v, %q", wrong, m, reason)
		}
		for i := range 3 {
			d := time.Duration(i) * time.Second
			if m, reason := verify(t, home, at(d), mn.Protect(at(wrong+d), up, update(2), &out)); m == nil {
				t.Errorf("%v: after the correction: %s", wrong, reason)
			}
			if m, reason := verify(t, mn, at(wrong+d), home.Protect(at(d), down, &mh.BindingAck{Seq: 2}, &out)); m == nil {
				t.Errorf("%v: acknowledgement after the correction: %s", wrong, reason)
			}
		}
	}
}

// A refusal recorded from an earlier exchange does not set the clock.
func TestOldIDMismatchIsIgnored(t *testing.T) { //spec MIP-03
	mn, home := pair(t, "auth")
	var out engine.Effects
	verify(t, home, at(0), mn.Protect(at(time.Hour), up, update(1), &out))
	old := home.Protect(at(0), down, &mh.BindingAck{Status: mh.IDMismatch}, &out)
	verify(t, mn, at(time.Hour), old)
	mn.Protect(at(time.Hour+time.Second+time.Millisecond), up, update(2), &out)
	offset := mn.auth.offset
	if _, reason := verify(t, mn, at(time.Hour), old); reason != AuthReplay || mn.auth.offset != offset {
		t.Errorf("replayed refusal: %q, offset %#x", reason, mn.auth.offset)
	}
}

func TestRefusalsWithoutTimestamp(t *testing.T) { //spec MIP-03
	for status, want := range map[mh.Status]string{mh.AuthFailed: "", mh.MessageIDRequired: "", mh.Accepted: AuthNoTimestamp, mh.IDMismatch: AuthNoTimestamp} { //order:any
		mn, home := pair(t, "auth")
		var out engine.Effects
		mn.Protect(at(0), up, update(1), &out)
		if _, reason := verify(t, mn, at(0), home.Protect(at(0), down, &mh.BindingAck{Status: status}, &out)); reason != want {
			t.Errorf("status %d: %q, want %q", status, reason, want)
		}
	}
}

func TestTimestampsIncreaseWhateverTheClock(t *testing.T) { //spec MIP-03
	mn, home := pair(t, "auth")
	var out engine.Effects
	for _, d := range []time.Duration{0, 0, -time.Second, 0, time.Second, 900 * time.Millisecond} {
		if m, reason := verify(t, home, at(0), mn.Protect(at(d), up, update(1), &out)); m == nil {
			t.Errorf("clock at %v: %s", d, reason)
		}
	}
}

// Other messages of the home agent need a newer timestamp, not a close one.
func TestRefreshRequest(t *testing.T) {
	mn, home := pair(t, "auth")
	var out engine.Effects
	brr := home.Protect(at(time.Hour), down, &mh.BindingRefreshRequest{}, &out)
	if m, reason := verify(t, mn, at(0), brr); m == nil {
		t.Fatal(reason)
	}
	if _, reason := verify(t, mn, at(0), brr); reason != AuthReplay {
		t.Errorf("replay: %q", reason)
	}
}

// The option must be the last: what follows it is not authenticated (RFC 4285 §5.1).
func TestOptionsBehindTheAuthentication(t *testing.T) { //spec MIP-03
	mn, home := pair(t, "auth")
	var out engine.Effects
	signed, err := ip6.Parse(mn.Protect(at(0), up, update(1), &out))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, tail, want string
	}{
		{"padding", "\x01\x06\x00\x00\x00\x00\x00\x00", AuthMismatch}, // Header Len is covered, so even padding shows
		{"unknown option", "\x63\x06\x00\x01\x00\x02\x01\x00", MHMalformed},
	} {
		p := signed
		p.Payload = append(append([]byte(nil), signed.Payload...), c.tail...)
		p.Payload[1]++
		p.Payload[4], p.Payload[5] = 0, 0
		sum := ip6.Checksum(hoa, ha, ip6.ProtoMH, p.Payload)
		p.Payload[4], p.Payload[5] = byte(sum>>8), byte(sum)
		if _, reason := verify(t, home, at(0), p.Append(nil)); reason != c.want {
			t.Errorf("%s: %q, want %q", c.name, reason, c.want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	for _, kind := range kinds {
		mn, _ := pair(f, kind)
		var out engine.Effects
		f.Add(mn.Protect(at(0), up, update(7), &out))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ip6.Parse(b)
		if err != nil {
			return
		}
		for _, kind := range kinds {
			s := must(t, configOf(kind), "mn1")
			m, reason := s.Verify(at(0), &p)
			var out engine.Effects
			s.Commit(&out)
			if (m == nil) == (reason == "") || m == nil && kind != "esp" && len(out.List) > 0 {
				t.Errorf("%s: %v, %q, %v", kind, m, reason, out.List)
			}
		}
	})
}
