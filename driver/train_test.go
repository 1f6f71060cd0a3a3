package driver

import (
	"bytes"
	"testing"
)

// gathered hands packets to a train, as the TUN device's sendFrame does, and gives what the kernel gets.
func gathered(t testing.TB, packets [][]byte) (frames []*frame) {
	tr := newTrain()
	out := func() {
		if _, ok := tr.ready(); ok {
			f := tr.frame
			f.buf = bytes.Clone(f.buf)
			frames = append(frames, &f)
		}
	}
	for _, p := range packets {
		f, err := framed(vnet{}, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		header, ok := tr.takes(f)
		switch {
		case ok && tr.follows(f.packet(), header):
			tr.join(f.packet(), header)
		case ok:
			out()
			tr.begin(f, header)
		default:
			out()
			frames = append(frames, f)
		}
	}
	out()
	return frames
}

// TestTrain: the segments of a merged packet become one again, octet for octet; a gap, another connection, another flag or a wrong
// checksum begins anew.
func TestTrain(t *testing.T) {
	p, start := merged(make([]byte, 3001), false)
	p[start+13] = flagACK | flagPSH // as data has it: no FIN, no CWR
	whole := vnet{needsChecksum: true, kind: gsoTCPv6, segment: 1000, start: start, offset: 16}
	parts, err := unmerge(whole, p, 0)
	if err != nil || len(parts) != 4 {
		t.Fatal(len(parts), err)
	}
	if got := gathered(t, parts); len(got) != 1 || !bytes.Equal(got[0].packet(), p) || got[0].h != whole {
		t.Fatalf("%d frames, %+v", len(got), got[0].h)
	}
	changed := func(i int, change func(p []byte)) [][]byte {
		list := make([][]byte, len(parts))
		for k := range parts {
			list[k] = bytes.Clone(parts[k])
		}
		change(list[i])
		if i != 3 { // make its checksum right again
			list[i][tcpSum], list[i][tcpSum+1] = 0, 0
			s := pseudoSum(list[i])
			list[i][tcpSum], list[i][tcpSum+1] = byte(s>>8), byte(s)
			complete(list[i][tcpAt:], nil, tcpSum-tcpAt)
		}
		return list
	}
	for name, c := range map[string]struct {
		packets [][]byte
		want    int
	}{
		"a gap":            {[][]byte{parts[0], parts[2], parts[3]}, 2},
		"out of order":     {[][]byte{parts[1], parts[0], parts[2], parts[3]}, 3},
		"after the last":   {[][]byte{parts[3], parts[0], parts[1]}, 2},
		"another port":     {changed(1, func(p []byte) { p[tcpAt+1] = 9 }), 3},
		"another class":    {changed(1, func(p []byte) { p[1] = 0x20 }), 3},
		"another window":   {changed(2, func(p []byte) { p[tcpWindow] = 1 }), 3},
		"other options":    {changed(2, func(p []byte) { p[tcpLeast] = 1 }), 3},
		"ECE":              {changed(1, func(p []byte) { p[tcpFlags] |= 0x40 }), 3},
		"a wrong checksum": {changed(3, func(p []byte) { p[64] = 1 }), 2},
	} {
		if got := gathered(t, c.packets); len(got) != c.want {
			t.Errorf("%s: %d frames, want %d", name, len(got), c.want)
		}
	}
	tr := newTrain()
	f, err := framed(vnet{}, parts[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		header, _ := tr.takes(f)
		tr.begin(f, header)
		tr.ready()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// What is gathered can be taken apart again: the kernel gets the packets there were, in their order.
func FuzzTrain(f *testing.F) {
	p, _ := merged(make([]byte, 200), false)
	f.Add(p, uint16(50), uint8(0))
	f.Add(p, uint16(1), uint8(3))
	f.Fuzz(func(t *testing.T, p []byte, segment uint16, skip uint8) {
		if len(p) > 4000 {
			return
		}
		parts, err := unmerge(vnet{needsChecksum: true, kind: gsoTCPv6, segment: int(segment), start: tcpAt, offset: 16}, p, 0)
		if err != nil {
			return
		}
		if i := int(skip); i < len(parts) {
			parts = append(parts[:i], parts[i+1:]...)
		}
		var got [][]byte
		for _, g := range gathered(t, parts) {
			g.each(make([]byte, frameSize), func(p []byte) { got = append(got, bytes.Clone(p)) })
		}
		if len(got) != len(parts) {
			t.Fatalf("%d packets became %d", len(parts), len(got))
		}
		for i := range got {
			if !bytes.Equal(got[i], parts[i]) {
				t.Fatalf("packet %d:\n%x\nwas\n%x", i, got[i], parts[i])
			}
		}
	})
}
