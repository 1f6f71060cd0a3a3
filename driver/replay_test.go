package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// counter sends a packet numbered by how many inputs it has seen; its bias stands for a changed build.
func counter(bias byte) *script {
	n := byte(0)
	s := &script{deadline: engine.Never}
	s.on = func(now engine.Now, in engine.Input, out *engine.Effects) {
		n++
		out.Send(1, plane.HW{}, append(make([]byte, 40), n))
		if n >= 3 {
			out.Event("third", engine.S("bias", string('a'+bias)))
		}
		if c, ok := in.(engine.Command); ok && c.Verb == "die" {
			panic("asked to")
		}
	}
	return s
}

// recorded is the journal of a short life.
func recorded(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		n := begin(t, Config{Host: &Memory{}, Journal: &b, Engines: []Engine{{"c", counter(0)}, {"d", counter(0)}}})
		for range 3 {
			time.Sleep(time.Second)
			n.Inject("", engine.LinkDown{Port: 1})
		}
		synctest.Wait()
	})
	return b.Bytes()
}

func TestReplayReproduces(t *testing.T) {
	j := recorded(t)
	got, err := Replay(bytes.NewReader(j), []Engine{{"c", counter(0)}, {"d", counter(0)}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Replayed{Lines: 20, Inputs: 8, Effects: 12, End: EndStopped}); got != want {
		t.Errorf("replayed %+v, want %+v", got, want)
	}
}

func TestReplayFindsTheFirstDifference(t *testing.T) {
	_, err := Replay(bytes.NewReader(recorded(t)), []Engine{{"c", counter(1)}, {"d", counter(0)}})
	var d *Difference
	if !errors.As(err, &d) {
		t.Fatalf("err = %v", err)
	}
	if d.Line != 11 || d.Engine != "c" || !strings.Contains(d.Want, `"v": "a"`) || !strings.Contains(d.Got, `"v": "b"`) {
		t.Errorf("%v", d)
	}
	if text := err.Error(); !strings.Contains(text, "line 9: LinkDown") {
		t.Errorf("the input is not shown: %s", text)
	}
}

func TestReplayRefusesWhatIsNoJournal(t *testing.T) {
	j := recorded(t)
	lines := bytes.SplitAfter(j, []byte("\n"))
	for name, in := range map[string][]byte{
		"journal line 1: invalid":    []byte("hello\nworld\n"),
		"line 1: an effect that":     lines[1],
		"is not among those":         bytes.ReplaceAll(j, []byte(`"engine":"d"`), []byte(`"engine":"z"`)),
		"line 2: an effect that fol": append(bytes.Clone(lines[0]), lines[3]...),
	} {
		_, err := Replay(bytes.NewReader(in), []Engine{{"c", counter(0)}, {"d", counter(0)}})
		if err == nil || !strings.Contains(err.Error(), name) || IsDifference(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A kill cuts a journal anywhere, behind a whole line too: what is there is still good, and that it is not all is seen.
func TestReplayTakesACutJournal(t *testing.T) {
	j := recorded(t)
	for n := range len(j) - 1 {
		got, err := Replay(bytes.NewReader(j[:n]), []Engine{{"c", counter(0)}, {"d", counter(0)}})
		if err != nil || got.End != "" {
			t.Fatalf("cut after %d octets: %+v, %v", n, got, err)
		}
	}
}

// The end of a journal says how many lines it has and that the last input has no effect more.
func TestReplayHoldsToTheEnd(t *testing.T) {
	j := recorded(t)
	lines := bytes.SplitAfter(j, []byte("\n"))
	lines = lines[:len(lines)-1] // what follows the last line's end
	n := len(lines)
	join := func(l ...[]byte) []byte { return bytes.Join(l, nil) }
	short := bytes.Replace(j, fmt.Appendf(nil, `"entries":%d`, n-1), fmt.Appendf(nil, `"entries":%d`, n-3), 1)
	for name, c := range map[string]struct {
		in   []byte
		want string
	}{
		"lines are missing":            {join(join(lines[:n-3]...), lines[n-1]), "20 inputs and effects before it, and there are 18"},
		"something follows":            {join(j, lines[0]), "line 22: it follows the journal's end"},
		"effects of the last are gone": {join(join(bytes.SplitAfter(short, []byte("\n"))[:n-3]...), bytes.SplitAfter(short, []byte("\n"))[n-1]), "journal: no effect"},
	} {
		if got, err := Replay(bytes.NewReader(c.in), []Engine{{"c", counter(0)}, {"d", counter(0)}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// A node that gives up says so in its journal.
func TestJournalOfAFailure(t *testing.T) {
	var b bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		n, err := New(Config{Name: "x", Host: &Memory{}, Journal: &b, Engines: []Engine{{"c", counter(0)}}})
		if err != nil {
			t.Fatal(err)
		}
		n.failed <- errors.New("the machine is gone")
		if n.Run(context.Background()) == nil {
			t.Error("did not fail")
		}
		n.Close()
	})
	if got, err := Replay(&b, []Engine{{"c", counter(0)}}); err != nil || got.End != EndFailed {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestPanicLeavesAJournalThatPanicsAgain(t *testing.T) {
	var b bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		n, err := New(Config{Name: "x", Host: &Memory{}, Journal: &b, Engines: []Engine{{"c", counter(0)}}})
		if err != nil {
			t.Fatal(err)
		}
		n.Inject("c", engine.Command{ID: 1, Verb: "die"})
		defer func() {
			crash, ok := recover().(*Crash)
			if !ok || crash.Engine != "c" || crash.Line != 3 || !strings.Contains(crash.Error(), "asked to") || !strings.Contains(crash.Error(), "die") {
				t.Errorf("crash %v", crash)
			}
			n.Close()
		}()
		_ = n.Run(context.Background())
	})
	if strings.Contains(b.String(), endMagic) {
		t.Error("a node that crashed ended its journal")
	}
	_, err := Replay(&b, []Engine{{"c", counter(0)}})
	var crash *Crash
	if !errors.As(err, &crash) || crash.Line != 3 {
		t.Errorf("replay: %v", err)
	}
}

func TestJournalFailureIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		begin(t, Config{Host: &Memory{}, Journal: fullDisk{}, JournalSync: true, Engines: []Engine{{"c", counter(0)}},
			OnEvent: func(_ time.Duration, _ string, ev engine.Event) {
				if ev.Name == EventJournal {
					told++
				}
			}})
		synctest.Wait()
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestReplaySkipsTheHeader(t *testing.T) {
	want := JournalHeader{Version: 1, Node: "ha", Build: "1.2", Config: "aa", Seed: "bb"}
	var b bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		h := want
		h.Version = 0 // the driver's to fill in
		n := begin(t, Config{Host: &Memory{}, Journal: &b, JournalHeader: &h, Engines: []Engine{{"c", counter(0)}}})
		n.Inject("", engine.LinkDown{Port: 1})
		synctest.Wait()
	})
	r := bytes.NewReader(b.Bytes())
	if got, err := ReadJournalHeader(r); err != nil || got != want {
		t.Errorf("header %+v, %v; want %+v", got, err, want)
	}
	if got, err := Replay(r, []Engine{{"c", counter(0)}}); err != nil || got.Inputs != 2 || got.Lines != 5 {
		t.Errorf("replayed %+v, %v", got, err)
	}
	if _, err := ReadJournalHeader(bytes.NewReader(recorded(t))); err == nil {
		t.Error("a journal without header gave one")
	}
}

// A journal has an end: all before it is on the disk, and the node hears of it once.
func TestJournalEnds(t *testing.T) {
	var disk bytes.Buffer
	j := newJournal(&disk, false, nil)
	e := engine.Entry{Engine: "e", Input: engine.Tick{}}
	if err := j.write(e); err != nil {
		t.Fatal(err)
	}
	j.room = 10
	if err := j.write(e); err == nil || !strings.Contains(err.Error(), "the journal ends here") {
		t.Errorf("beyond its end: %v", err)
	}
	if n := strings.Count(disk.String(), "\n"); n != 2 || !strings.HasSuffix(disk.String(), `{"roam6_journal_end":"full","entries":1}`+"\n") {
		t.Errorf("on the disk: %s", &disk)
	}
	if err := errors.Join(j.write(e), j.flush()); err != nil || j.lines != 1 {
		t.Errorf("after its end: %v, %d lines", err, j.lines)
	}
}
