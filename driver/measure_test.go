package driver

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
)

// counting is a Memory whose kernel has forwarded for some meters as well.
type counting struct {
	*Memory
	asked [][]plane.MeterCount
	err   error
}

func (c *counting) Measure(list []plane.MeterCount) error {
	c.asked = append(c.asked, slices.Clone(list))
	for i := range list {
		list[i].Up.More(plane.Count{Packets: 10, Octets: 1000})
	}
	return c.err
}

func meterKey(i int) plane.MeterKey {
	return plane.MeterKey{Addr: netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i)}), Port: 1}
}

func meterOp(i int, del bool) plane.Op {
	return plane.Op{Delete: del, Meter: &plane.MeterOp{Key: meterKey(i)}}
}

// metering runs a node whose engine does f with each command and keeps what it hears of meters.
func metering(t *testing.T, f func(verb string, out *engine.Effects)) (h *counting, do func(verb string) []engine.Measured, told func() int) {
	h = &counting{Memory: &Memory{}}
	var got []engine.Measured
	failed := 0
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			f("start", out)
		case engine.Command:
			f(in.Verb, out)
			out.Reply(engine.Reply{ID: in.ID})
		case engine.Measured:
			got = append(got, in)
		}
	}}
	n, err := New(Config{Name: "ar", Host: h, Engines: []Engine{{"e", e}}, OnEvent: func(_ time.Duration, _ string, ev engine.Event) {
		if ev.Name == EventKernel && strings.Contains(ev.Reason, "no counters") {
			failed++
		}
	}})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended; n.Close() })
	return h, func(verb string) []engine.Measured {
		got = nil
		_, err := n.Command(ctx, "", verb, nil)
		must(t, err)
		synctest.Wait()
		return got
	}, func() int { return failed }
}

// A thousand meters asked for at once are one question to the kernel, and answered in order; before the first packet too.
func TestMeasureTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 1000
		h, do, _ := metering(t, func(verb string, out *engine.Effects) {
			for i := range many {
				if verb == "start" {
					out.Plane(meterOp(i, false))
				}
				out.Measure(uint64(i), meterKey(i))
			}
		})
		synctest.Wait()
		if len(h.asked) != 1 {
			t.Errorf("%d questions at the start", len(h.asked))
		}
		got := do("ask")
		if len(h.asked) != 2 || len(h.asked[1]) != many || len(got) != many {
			t.Fatalf("%d questions, %d answers", len(h.asked), len(got))
		}
		for i, m := range got {
			if want := (engine.Measured{ID: uint64(i), Key: meterKey(i), Up: plane.Count{Packets: 10, Octets: 1000}}); m != want {
				t.Fatalf("%+v, want %+v", m, want)
			}
		}
	})
}

// A question before a meter is deleted is answered with what it came to; one behind, or of none that ever was, with nothing. Where the
// kernel does not answer, what the plane knows is the least that was counted.
func TestMeasureOfWhatGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, do, told := metering(t, func(verb string, out *engine.Effects) {
			switch verb {
			case "start":
				out.Plane(plane.Op{Link: &plane.LinkOp{Port: 1, Link: plane.Link{Gateway: plane.HW{2}, MTU: 1500}}})
				out.Plane(plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(meterKey(1).Addr, 128), Path: plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: 1}}})
				out.Plane(meterOp(1, false))
			case "ask":
				out.Measure(1, meterKey(1))
				out.Measure(2, meterKey(2))
			case "end":
				out.Measure(3, meterKey(1))
				out.Plane(meterOp(1, true))
				out.Measure(4, meterKey(1))
				out.Plane(meterOp(1, false))
				out.Measure(5, meterKey(1))
			}
		})
		synctest.Wait()
		packet := (&ip6.Packet{Header: ip6.Header{Src: netip.MustParseAddr("2001:db8:c::1"), Dst: meterKey(1).Addr}, Proto: ip6.ProtoUDP, Payload: make([]byte, 60)}).Append(nil)
		h.Deliver(Arrival{Port: plane.Kernel, Data: packet})
		synctest.Wait()
		kernel, down := plane.Count{Packets: 10, Octets: 1000}, plane.Count{Packets: 1, Octets: 100}
		check := func(verb string, want ...engine.Measured) {
			t.Helper()
			if got := do(verb); !slices.Equal(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		}
		none := engine.Measured{ID: 2, Key: meterKey(2), Err: engine.ErrNotFound}
		check("ask", none, engine.Measured{ID: 1, Key: meterKey(1), Up: kernel, Down: down})
		h.err = errors.New("no counters")
		check("ask", none, engine.Measured{ID: 1, Key: meterKey(1), Up: kernel, Down: down, Err: engine.ErrFailed})
		check("ask", none, engine.Measured{ID: 1, Key: meterKey(1), Up: kernel, Down: down, Err: engine.ErrFailed})
		if told() != 1 {
			t.Errorf("told %d times that the kernel does not answer", told())
		}
		h.err = nil
		// Two asked of a key that goes are answered then; that the key comes again is another meter.
		check("end", engine.Measured{ID: 3, Key: meterKey(1), Up: kernel, Down: down}, engine.Measured{ID: 4, Key: meterKey(1), Err: engine.ErrNotFound}, engine.Measured{ID: 5, Key: meterKey(1), Up: kernel})
	})
}

// Sessions that end in one turn are one question to the kernel, however many, and each is told what it came to. Where they make room for as many
// others, they are gone before.
func TestMetersEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 1000
		h, do, told := metering(t, func(verb string, out *engine.Effects) {
			for i := range many {
				if verb != "start" {
					out.Measure(uint64(i), meterKey(i))
					out.Plane(meterOp(i, true))
				}
				if verb != "end" {
					out.Plane(meterOp(i, false))
				}
			}
			if verb == "again" {
				for i := range many {
					out.Measure(uint64(many+i), meterKey(i))
				}
			}
		})
		synctest.Wait()
		for verb, want := range map[string]struct{ answers, questions int }{"again": {2 * many, many + 1}, "end": {many, 1}} { //order:any
			h.asked = nil
			got := do(verb)
			if len(got) != want.answers || len(h.asked) > want.questions {
				t.Fatalf("%s: %d answers, %d questions", verb, len(got), len(h.asked))
			}
			for i, m := range got {
				if m.ID != uint64(i) || m.Key != meterKey(i%many) || (m.Err != "") || m.Up.Packets != 10 {
					t.Fatalf("%s: %+v at %d", verb, m, i)
				}
			}
			if verb == "end" {
				do("start")
			}
		}
		do("end")
		for _, m := range do("end") {
			if m.Err != engine.ErrNotFound {
				t.Fatalf("%+v of a meter that is gone", m)
			}
		}
		if told() != 0 {
			t.Error("the kernel was said not to answer")
		}
	})
}

// A full table takes new meters in the turn in which as many others end.
func TestMetersMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, do, _ := metering(t, func(verb string, out *engine.Effects) {
			for i := range plane.MaxMeters {
				switch verb {
				case "start":
					out.Plane(meterOp(i, false))
				case "others":
					if i < 100 {
						out.Measure(uint64(i), meterKey(i))
						out.Plane(meterOp(i, true))
					}
				}
			}
			for i := range 100 {
				switch verb {
				case "others":
					out.Plane(plane.Op{Meter: &plane.MeterOp{Key: plane.MeterKey{Addr: meterKey(i).Addr, Port: 2}}})
				case "are they there":
					out.Measure(uint64(i), plane.MeterKey{Addr: meterKey(i).Addr, Port: 2})
				}
			}
		})
		synctest.Wait()
		do("others")
		if len(h.asked) != 1 {
			t.Errorf("%d questions", len(h.asked))
		}
		for _, m := range do("are they there") {
			if m.Err != "" {
				t.Fatalf("%+v", m)
			}
		}
	})
}
