//go:build linux

package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"

	"roam6/scenario"
)

// What several threads tell of one time is one; below the threshold nothing is told; what was before the run is no part of it.
func TestStandstills(t *testing.T) {
	const ms = nanos(time.Millisecond)
	stood := func(at, length time.Duration) scenario.Standstill {
		return scenario.Standstill{At: scenario.Millis(at), Length: scenario.Millis(length)}
	}
	for name, c := range map[string]struct {
		woke [][2]nanos // wanted, and did
		want []scenario.Standstill
	}{
		"in time, early and never": {[][2]nanos{{1000 * ms, 1000 * ms}, {1100 * ms, 1050 * ms}, {1 << 62, 1200 * ms}}, []scenario.Standstill{}},
		"a little late":            {[][2]nanos{{1500 * ms, 1520*ms - 1}}, []scenario.Standstill{}},
		"just enough":              {[][2]nanos{{1500 * ms, 1520 * ms}}, []scenario.Standstill{stood(500*ms, 20*ms)}},
		"three of one time":        {[][2]nanos{{1501 * ms, 2980 * ms}, {1510 * ms, 2981 * ms}, {1500 * ms, 2979 * ms}}, []scenario.Standstill{stood(500*ms, 1481*ms)}},
		"two, and one over both":   {[][2]nanos{{1100 * ms, 1130 * ms}, {1200 * ms, 1230 * ms}, {1120 * ms, 1210 * ms}}, []scenario.Standstill{stood(100*ms, 130*ms)}},
		"told late, out of order":  {[][2]nanos{{1200 * ms, 1230 * ms}, {1100 * ms, 1130 * ms}}, []scenario.Standstill{stood(100*ms, 30*ms), stood(200*ms, 30*ms)}},
		"before the run":           {[][2]nanos{{500 * ms, 900 * ms}, {950 * ms, 1025 * ms}}, []scenario.Standstill{stood(0, 25*ms)}},
	} {
		var s standstills
		for _, w := range c.woke {
			s.woke(w[0], w[1])
		}
		if got := s.since(1000 * ms); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Of a run that stands still all the time the longest times are kept.
func TestStandstillsAreBounded(t *testing.T) {
	var s standstills
	for k := range nanos(10 * standsKept) {
		from := k * nanos(time.Second)
		s.woke(from, from+nanos(standsFrom)+k%7*nanos(time.Millisecond))
	}
	s.woke(0, 500*nanos(time.Millisecond))
	got := s.since(0)
	if len(got) != standsKept || got[0].Length != scenario.Millis(500*time.Millisecond) {
		t.Errorf("%d are kept, the first one %v", len(got), got[0])
	}
	for _, g := range got[1:] {
		if g.Length != scenario.Millis(standsFrom+6*time.Millisecond) {
			t.Errorf("one of %v is kept, longer ones are not", g.Length)
		}
	}
}

// The hub tells when its tick came late, and not of the time it took itself.
func TestHubTellsWhenItIsLate(t *testing.T) {
	times := []nanos{0, nanos(time.Second), nanos(2 * time.Second), nanos(2*time.Second + hubEvery)} // ready, tick; ready, tick
	k := 0
	h := newHub(nil, &tape{}, nil, func() nanos { k++; return times[min(k, len(times))-1] }, nil)
	var got [][2]nanos
	h.woke = func(want, now nanos) {
		if got = append(got, [2]nanos{want, now}); len(got) == 2 {
			close(h.quit)
		}
	}
	h.serve()
	if want := [][2]nanos{{hubEvery, times[1]}, {times[3], times[3]}}; !reflect.DeepEqual(got[:2], want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// standing is a helper that says when its run is under way, and then when it stood still.
func standing() {
	quit := func(err error) {
		if err != nil {
			fmt.Println("helper:", err)
			os.Exit(1)
		}
	}
	p := triangle(scenario.LinkModel{}, scenario.LinkModel{})
	p.Flows = []scenario.Flow{probe(time.Millisecond, 300*time.Millisecond, 1900*time.Millisecond)}
	p.Actions = []scenario.Action{{At: time.Second, Verb: scenario.Mark, Note: "under way", Handover: -1}}
	p.Length = 2 * time.Second
	st, err := Run(tContext{}, Config{Plan: p, Progress: func(at time.Duration, what string) {
		if at > 0 {
			fmt.Println("up", what)
		}
	}})
	quit(err)
	quit(json.NewEncoder(os.Stdout).Encode(st.Stood))
}

// A lab that is stopped from outside for a while says when, and for how long.
func TestStoppedLabSaysSo(t *testing.T) {
	needLab(t)
	const stopped = 300 * time.Millisecond
	c, out, _ := startHelper(t, "standing", filepath.Join(t.TempDir(), "none"), nil)
	c.Process.Signal(syscall.SIGSTOP)
	time.Sleep(stopped)
	c.Process.Signal(syscall.SIGCONT)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var got []scenario.Standstill
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("the helper said %q, %v", line, err)
	}
	for _, s := range got {
		if time.Duration(s.Length) > stopped*9/10 && time.Duration(s.At) > 950*time.Millisecond {
			return
		}
	}
	t.Errorf("it stood still at %v, by order from about 1 s on for %v", got, stopped)
}
