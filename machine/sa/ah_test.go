package sa

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"roam6/engine"
	"roam6/wire/ip6"
)

var (
	ahLeft  = netip.MustParseAddr("2001:db8:a:1::a")
	ahRight = netip.MustParseAddr("2001:db8:a:2::a")
)

func ahConfigs() (left, right AHConfig) {
	left = AHConfig{OutSPI: 0x300, InSPI: 0x301, OutKey: bytes.Repeat([]byte{0xc1}, 32), InKey: bytes.Repeat([]byte{0xc2}, 32)}
	return left, AHConfig{OutSPI: left.InSPI, InSPI: left.OutSPI, OutKey: left.InKey, InKey: left.OutKey}
}

func ahPair(t *testing.T) (left, right *AH) {
	t.Helper()
	l, r := ahConfigs()
	left, err := NewAH(l, "right")
	if err != nil {
		t.Fatal(err)
	}
	right, err = NewAH(r, "left")
	if err != nil {
		t.Fatal(err)
	}
	return left, right
}

func ahPacket(payload string) []byte {
	p := ip6.Packet{Header: ip6.Header{HopLimit: 64, Src: ahLeft, Dst: ahRight}, Proto: ip6.ProtoICMPv6, Payload: []byte(payload)}
	return p.Append(nil)
}

func recordsIn(out engine.Effects) (list []engine.Record) {
	for _, e := range out.List {
		if p, ok := e.(engine.Persist); ok {
			list = append(list, engine.Record(p))
		}
	}
	return list
}

// What one end seals the other opens, once; what is altered, of another association or bare it refuses.
func TestAH(t *testing.T) { //spec FH-05 FH-06 FH-18
	left, right := ahPair(t)
	var out engine.Effects
	one := left.Seal(ahPacket("hello"), &out)
	if spi, ok := FindAH(one); !ok || spi != right.InSPI() {
		t.Fatalf("SPI %#x %v", spi, ok)
	}
	altered := bytes.Clone(one)
	altered[len(altered)-1] ^= 1
	other := bytes.Clone(one)
	other[44] ^= 1 // the SPI
	back := right.Seal(ahPacket("back"), &out)
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{{"altered", altered, AHAuth}, {"another SPI", other, AHUnknownSPI}, {"bare", ahPacket("hello"), Unprotected}, {"cut", one[:50], AHMalformed},
		{"its own, sent back", back, AHUnknownSPI}, {"as it is", one, ""}, {"again", one, AHReplay}} {
		p, reason := right.Open(c.b)
		if reason != c.want || reason == "" && string(p.Payload) != "hello" {
			t.Errorf("%s: %q, want %q", c.name, reason, c.want)
		}
	}
}

// Numbers outlive a life of either end: none is sent twice, none that was committed is taken again.
func TestAHOutlivesALife(t *testing.T) { //spec FH-18
	left, right := ahPair(t)
	var sent, took engine.Effects
	first := left.Seal(ahPacket("a"), &sent)
	if len(recordsIn(sent)) != 1 {
		t.Fatal("a number was used that is not reserved")
	}
	if _, reason := right.Open(first); reason != "" {
		t.Fatal(reason)
	}
	right.Commit(&took)
	again, other := ahPair(t)
	RestoreAH(slices.Concat(recordsIn(sent), recordsIn(took)), []*AH{again, other})
	if _, reason := other.Open(first); reason != AHReplay {
		t.Errorf("after a restart: %q", reason)
	}
	next := again.Seal(ahPacket("b"), &sent)
	if bytes.Equal(next[48:52], first[48:52]) {
		t.Error("a number was sent twice")
	}
	if _, reason := other.Open(next); reason != "" {
		t.Errorf("the next: %q", reason)
	}
	defer func() {
		if recover() == nil {
			t.Error("a damaged record was taken")
		}
	}()
	rec := recordsIn(took)[0]
	rec.Value = rec.Value[:3]
	RestoreAH([]engine.Record{rec}, []*AH{other})
}

// Keys of one session are written nowhere.
func TestSessionAH(t *testing.T) { //spec FH-16
	l, r := ahConfigs()
	left, _ := NewSessionAH(l, "mn")
	right, _ := NewSessionAH(r, "ar")
	var out engine.Effects
	if _, reason := right.Open(left.Seal(ahPacket("x"), &out)); reason != "" {
		t.Fatal(reason)
	}
	right.Commit(&out)
	if n := len(recordsIn(out)); n != 0 {
		t.Errorf("%d records", n)
	}
	for _, c := range []AHConfig{{OutSPI: 255, InSPI: 256, OutKey: l.OutKey, InKey: l.InKey}, {OutSPI: 256, InSPI: 257, OutKey: l.OutKey, InKey: l.OutKey},
		{OutSPI: 256, InSPI: 257, OutKey: l.OutKey[:31], InKey: l.InKey}, {OutSPI: 256, InSPI: 257, OutKey: l.OutKey}} {
		if _, err := NewAH(c, "x"); err == nil {
			t.Errorf("%v is taken", c)
		}
	}
	if text := fmt.Sprintf("%v %+v %s", l, left, left); bytes.Contains([]byte(text), []byte("193")) || bytes.Contains([]byte(text), []byte("c1c1")) {
		t.Error(text)
	}
}
