package driver

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/plane/conform"
)

// through is a loop as a plane: Ops come as effects of its engine, packets from its host.
type through struct {
	loop   *loop
	engine *script
	sink   *plane.Sink
	begun  time.Time
}

func newThrough(t *testing.T) *through {
	a := &through{engine: &script{deadline: engine.Never}, begun: time.Now()}
	n, err := New(Config{Name: "x", Epoch: a.begun, Engines: []Engine{{"e", a.engine}},
		Host: &Memory{OnSend: func(port plane.Port, to plane.HW, data []byte) error {
			a.sink.Out = append(a.sink.Out, plane.Out{Port: port, To: to, Data: bytes.Clone(data)})
			return nil
		}},
		OnDrop: func(reason string, n int) { a.sink.Drops = append(a.sink.Drops, plane.Drop{Reason: reason, N: n}) },
		OnEvent: func(_ time.Duration, _ string, ev engine.Event) {
			if ev.Name == EventPlane {
				a.sink.Refused = append(a.sink.Refused, plane.Refused{Reason: ev.Reason})
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	a.loop = &n.loop
	t.Cleanup(func() { n.Close() })
	return a
}

// at waits until it is time, and does f with a sink that takes all of it.
func (a *through) at(now time.Duration, sink *plane.Sink, f func()) {
	time.Sleep(now - time.Since(a.begun))
	a.sink, a.engine.inputs = sink, nil
	f()
	for _, in := range a.engine.inputs {
		if p, ok := in.(engine.Packet); ok {
			sink.Punt = append(sink.Punt, plane.Punt{Port: p.Port, From: p.From, Data: p.Data})
		}
	}
}

func (a *through) Apply(now time.Duration, op plane.Op, sink *plane.Sink) {
	a.at(now, sink, func() { a.loop.change(a.loop.now(), op) })
}

func (a *through) Handle(now time.Duration, port plane.Port, from plane.HW, data []byte, sink *plane.Sink) {
	a.at(now, sink, func() { a.loop.arrive(&Arrival{Port: port, From: from, Data: data}) })
}

func (a *through) Meter(k plane.MeterKey) (plane.MeterCount, bool) { return a.loop.soft.Meter(k) }

// What the suite asks of a plane holds with a loop around it: packets that were made to do harm, limits and all.
func TestConform(t *testing.T) {
	for _, c := range conform.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if why := c.On(newThrough(t)); why != "" {
					t.Fatal(why)
				}
			})
		})
	}
}
