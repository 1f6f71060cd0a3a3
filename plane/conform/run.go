package conform

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/plane"
	"roam6/wire/ip6"
)

// Applier is a plane under test. The sink given to a call collects all that the call causes.
type Applier interface {
	Apply(now time.Duration, op plane.Op, sink *plane.Sink)
	Handle(now time.Duration, port plane.Port, from plane.HW, data []byte, sink *plane.Sink)
	Meter(plane.MeterKey) (plane.MeterCount, bool)
}

// Case is one story: steps done in order to a plane with an empty table.
type Case struct {
	Name  string
	Steps []Step
}

// Step is one operation or one packet at a time since the start, and all that it must cause. Times do not go back.
type Step struct {
	At    time.Duration
	Op    *plane.Op // nil: a packet
	Port  plane.Port
	From  plane.HW
	Data  []byte
	Times int // repeat the step so often, each with the same result; 0 is once

	Out   []plane.Out
	Punt  []plane.Punt
	Drops map[string]int
	// Refused is why the operation must be refused, empty if it must not. A refused one changes nothing.
	Refused string
	Meters  []plane.MeterCount // what some meters, which must be there, have counted after it
	// Loose lets anything be sent, given up and dropped: for steps that only fill a table or a bucket.
	Loose bool
}

// Run runs every case on planes of its own.
func Run(t *testing.T, newApplier func() Applier) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			if why := c.On(newApplier()); why != "" {
				t.Fatal(why)
			}
		})
	}
}

// On does the steps of a case to a plane with an empty table, and says what was wrong, empty if nothing.
func (c Case) On(a Applier) string {
	for i, step := range c.Steps {
		for range max(1, step.Times) {
			if why := step.run(a); why != "" {
				return fmt.Sprintf("step %d %s:\n%s", i, step.name(), why)
			}
		}
	}
	return ""
}

func (s *Step) name() string {
	if s.Op != nil {
		return fmt.Sprintf("at %v %v", s.At, s.Op)
	}
	return fmt.Sprintf("at %v packet by port %d", s.At, s.Port)
}

// run does the step and says what was wrong, empty if nothing.
func (s *Step) run(a Applier) string {
	var sink plane.Sink
	if s.Op != nil {
		a.Apply(s.At, *s.Op, &sink)
	} else {
		a.Handle(s.At, s.Port, s.From, bytes.Clone(s.Data), &sink)
	}
	refused := ""
	for _, r := range sink.Refused {
		refused += r.Reason
	}
	if refused != s.Refused {
		return fmt.Sprintf("refused %q, want %q", refused, s.Refused)
	}
	for _, want := range s.Meters {
		if got, ok := a.Meter(plane.MeterKey{Addr: want.Addr, Port: want.Port}); !ok || got != want {
			return fmt.Sprintf("the meter is there: %v; %+v, want %+v", ok, got, want)
		}
	}
	if s.Loose {
		return ""
	}
	drops := map[string]int{}
	for i := range len(sink.Drops) {
		d := sink.Drops[i]
		drops[d.Reason] += d.N
	}
	var why []string
	if fmt.Sprint(drops) != fmt.Sprint(orEmpty(s.Drops)) {
		why = append(why, fmt.Sprintf("drops %v, want %v", drops, orEmpty(s.Drops)))
	}
	if got, want := outs(sink.Out), outs(s.Out); !slices.Equal(got, want) {
		why = append(why, "out:\n"+strings.Join(got, "\n")+"\nwant:\n"+strings.Join(want, "\n"))
	}
	if got, want := punts(sink.Punt), punts(s.Punt); !slices.Equal(got, want) {
		why = append(why, "punt:\n"+strings.Join(got, "\n")+"\nwant:\n"+strings.Join(want, "\n"))
	}
	return strings.Join(why, "\n")
}

func orEmpty(m map[string]int) map[string]int {
	if m == nil {
		return map[string]int{}
	}
	return m
}

// outs renders packets for comparison. Which identification a plane gives its fragments is its own affair, but all
// fragments of one packet have the same: they are renumbered in order of appearance.
func outs(list []plane.Out) []string {
	ids := map[uint32]uint32{}
	var lines []string
	for _, o := range list {
		b := bytes.Clone(o.Data)
		if at := fragmentAt(b); at > 0 {
			id := binary.BigEndian.Uint32(b[at+4:])
			if _, ok := ids[id]; !ok {
				ids[id] = uint32(len(ids) + 1)
			}
			binary.BigEndian.PutUint32(b[at+4:], ids[id])
		}
		lines = append(lines, fmt.Sprintf("  port %d to %v %s", o.Port, o.To, show(b)))
	}
	return lines
}

// fragmentAt is where a packet's Fragment header stands, 0 for nowhere.
func fragmentAt(b []byte) int {
	if len(b) < ip6.HeaderLen {
		return 0
	}
	for next, off := b[6], ip6.HeaderLen; off+8 <= len(b); next, off = b[off], off+8*(int(b[off+1])+1) {
		switch next {
		case ip6.ProtoFragment:
			return off
		case ip6.ProtoHopByHop, ip6.ProtoRouting, ip6.ProtoDestOpts:
		default:
			return 0
		}
	}
	return 0
}

func punts(list []plane.Punt) []string {
	var lines []string
	for _, p := range list {
		lines = append(lines, fmt.Sprintf("  port %d from %v %s", p.Port, p.From, show(p.Data)))
	}
	return lines
}

// show renders the headers apart from the rest.
func show(b []byte) string {
	if len(b) < ip6.HeaderLen {
		return fmt.Sprintf("%x", b)
	}
	return fmt.Sprintf("%x|%x|%x|%x", b[:8], b[8:24], b[24:40], b[40:])
}
