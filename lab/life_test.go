//go:build linux

package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
)

// teller is an engine that tells of every input and counts its lives in a durable record. On a link that comes up it
// sends a multicast frame.
type teller struct {
	lives int
	at    engine.Mono
}

func (e *teller) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start:
		for _, r := range in.Records {
			fmt.Sscan(string(r.Value), &e.lives)
		}
		e.lives++
		out.Persist("b", "lives", fmt.Append(nil, e.lives))
		out.Event("life", engine.S("n", fmt.Sprint(e.lives)))
		e.at = engine.Never
	case engine.LinkUp:
		out.Event("up", engine.S("on", in.Attachment), engine.S("mtu", fmt.Sprint(in.MTU)))
		out.Send(in.Port, plane.HW{0x33, 0x33, 0, 0, 0, 1}, solicitation())
	case engine.LinkDown:
		out.Event("down")
	case engine.Command:
		out.Event("told", engine.S("verb", in.Verb))
		out.Reply(engine.Reply{ID: in.ID})
	}
}

func (e *teller) Deadline() (engine.Mono, string) { return engine.Never, "" }
func (e *teller) View() any                       { return nil }

// solicitation is an IPv6 packet without payload (next header 59) to all nodes.
func solicitation() []byte {
	b := make([]byte, 40)
	b[0], b[6], b[7] = 0x60, 59, 255
	copy(b[8:], []byte{0xfe, 0x80, 15: 9})
	copy(b[24:], []byte{0xff, 2, 15: 1})
	return b
}

// Engines live, are told of their links, crash, and start again with what they persisted; what they send crosses the air.
func TestLives(t *testing.T) {
	needLab(t)
	p := triangle(scenario.LinkModel{}, scenario.LinkModel{})
	p.Nodes[2].Config, p.Nodes[2].Userland = []byte("teller"), true
	p.Nodes[2].Ifaces[0].Addrs, p.Nodes[2].Routes = nil, nil
	p.Nodes[2].Ifaces[0].Port = 1
	act := func(ms int, a scenario.Action) {
		a.At, a.Node, a.Handover = time.Duration(ms)*time.Millisecond, "b", -1
		p.Actions = append(p.Actions, a)
	}
	act(100, scenario.Action{Verb: scenario.Detach, Iface: "eth0"})
	act(200, scenario.Action{Verb: scenario.Attach, Iface: "eth0", Segment: "right"})
	act(300, scenario.Action{Verb: scenario.Command, Command: engine.Command{ID: 1, Verb: "hello"}})
	act(400, scenario.Action{Verb: scenario.Crash})
	act(450, scenario.Action{Verb: scenario.Detach, Iface: "eth0"})
	act(500, scenario.Action{Verb: scenario.Attach, Iface: "eth0", Segment: "left"})
	act(600, scenario.Action{Verb: scenario.Restart})
	p.Length = time.Second
	seeds := map[[32]byte]bool{}
	e, _ := run(t, p, Config{Build: func(n scenario.Node, seed [32]byte) (scenario.Built, error) {
		seeds[seed] = true
		return scenario.Built{Engines: []scenario.NamedEngine{{Name: "mn", Engine: &teller{}}}}, nil
	}})
	var got []string
	for _, ev := range e.events {
		text := ev.Name
		for _, a := range ev.Attrs {
			text += " " + a.Key + "=" + a.Value
		}
		got = append(got, text)
	}
	want := []string{"life n=1", "up on=right mtu=1500", "down", "up on=right mtu=1500", "told verb=hello", "life n=2", "up on=left mtu=1500"}
	if !slices.Equal(got, want) {
		t.Errorf("events:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if e.up != 2 {
		t.Errorf("%d frames went up over the air, want 2 (right is air, left is not)", e.up)
	}
	if len(seeds) != 2 {
		t.Errorf("%d seeds for two lives", len(seeds))
	}
}

// A node that cannot be built ends the start with its name, and leaves nothing.
func TestBuildFails(t *testing.T) {
	needLab(t)
	p := triangle(scenario.LinkModel{}, scenario.LinkModel{})
	p.Nodes[0].Config, p.Nodes[2].Config = []byte("fine"), []byte("x")
	before := openFiles(t)
	_, err := Run(t.Context(), Config{Plan: p, Build: func(n scenario.Node, _ [32]byte) (scenario.Built, error) {
		if n.Name == "a" {
			return scenario.Built{Engines: []scenario.NamedEngine{{Name: "mn", Engine: &teller{}}}}, nil
		}
		return scenario.Built{}, fmt.Errorf("b.yaml:1: no")
	}})
	if err == nil || !strings.Contains(err.Error(), "node b: b.yaml:1: no") {
		t.Error(err)
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files open before, %d after", before, after)
	}
}
