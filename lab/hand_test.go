//go:build linux

package lab

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
)

// walker is an engine that behaves as a mobile node does, in a few steps: after each link it comes to, and a wait, it says that it
// is registered; when it comes back to the link it was registered by, it is bound without that. On the link of deaf it never is.
type walker struct {
	at    engine.Mono
	on    string
	bound string // the link it was registered by last
}

const (
	walkerWait = 50 * time.Millisecond
	deaf       = "right"
)

func (e *walker) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start:
		e.at = engine.Never
	case engine.LinkDown:
		e.at = engine.Never
		out.Step("link down", "link")
	case engine.LinkUp:
		out.Step("link up", "router advertisement")
		out.Send(in.Port, plane.HW{0x33, 0x33, 0, 0, 0, 2}, routerSolicitation())
		if e.on = in.Attachment; e.on != deaf {
			e.at = now.Mono.Add(walkerWait)
		}
	case engine.Tick:
		e.at = engine.Never
		if e.bound != e.on {
			out.Event(engine.EventRegistered)
		}
		e.bound = e.on
		out.List = append(out.List, engine.Event{Name: engine.EventState, Attrs: []engine.Attr{engine.S("to", scenario.StateBound)}})
		out.Step("binding acknowledged", "first packet")
	case engine.LinkHint:
		if in.Attachment != deaf {
			out.List = append(out.List, engine.Attach{Port: in.Port, Attachment: in.Attachment})
		}
	case engine.Command:
		out.Reply(engine.Reply{ID: in.ID, Data: []byte(`"` + in.Verb + `"`)})
	}
}

func (e *walker) Deadline() (engine.Mono, string) { return e.at, "" }
func (e *walker) View() any                       { return "here" }

// routerSolicitation is a packet that counts as signalling (RFC 4861 §4.1).
func routerSolicitation() []byte {
	ip := &layers.IPv6{Version: 6, HopLimit: 255, NextHeader: layers.IPProtocolICMPv6, SrcIP: net.ParseIP("fe80::9"), DstIP: net.ParseIP("ff02::2")}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeRouterSolicitation, 0)}
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		panic(err)
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, icmp, gopacket.Payload(make([]byte, 4))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// walkers is the triangle with a walker in b, on the air of both segments.
func walkers(t *testing.T, c Config) *Lab {
	p := triangle(scenario.LinkModel{}, scenario.LinkModel{})
	p.Segments[0].Air = true
	p.Nodes[2].Config, p.Nodes[2].Userland = []byte("walker"), true
	p.Nodes[2].Ifaces[0].Addrs, p.Nodes[2].Routes, p.Nodes[2].Ifaces[0].Port = nil, nil, 1
	c.Plan = p
	c.Build = func(scenario.Node, [32]byte) (scenario.Built, error) {
		return scenario.Built{Engines: []scenario.NamedEngine{{Name: "mn", Engine: &walker{}}}}, nil
	}
	return up(t, c)
}

// A move tells what the handover cost and what it waited for.
func TestMove(t *testing.T) {
	l := walkers(t, Config{})
	c, _ := serve(t, l)
	if n, err := l.alive("b"); err != nil {
		t.Fatal(err)
	} else if _, err := n.Views(t.Context()); err != nil { // it has heard of its first link when it answers
		t.Fatal(err)
	}
	var told []string
	m, err := c.Move(t.Context(), Move{Node: "b", Segment: "left", Blackout: 30 * time.Millisecond, Limit: 10 * time.Second},
		func(e Told) { told = append(told, e.Event.Name) })
	if err != nil || m.Iface != "eth0" || m.Handover == nil {
		t.Fatalf("%+v, %v", m, err)
	}
	h := m.Handover
	if h.Outcome != scenario.Registered || h.From != "right" || h.To != "left" || time.Duration(h.Blackout) < 30*time.Millisecond ||
		time.Duration(*h.Registered) < walkerWait || h.Air.Messages == 0 {
		t.Errorf("%+v", h)
	}
	var steps []string
	for _, s := range h.Timeline {
		steps = append(steps, s.Step+"/"+s.WaitingFor)
	}
	if want := "link lost/the radio (imposed blackout) link up/router advertisement binding acknowledged/"; strings.Join(steps, " ") != want {
		t.Errorf("steps %q, want %q", steps, want)
	}
	if all := strings.Join(told, " "); !strings.Contains(all, EventDetached+" step "+EventAttached+" step registered state step") {
		t.Errorf("told of %q", told)
	}
}

// A move with notice happens as soon as an engine is ready for it, and when the notice is over if none is.
//
// spec RT-04
func TestMoveNotice(t *testing.T) {
	l := walkers(t, Config{})
	c, _ := serve(t, l)
	for _, m := range []struct {
		segment string
		notice  time.Duration
		early   bool
	}{{"left", 20 * time.Second, true}, {deaf, 100 * time.Millisecond, false}} {
		began := time.Now()
		moved, err := c.Move(t.Context(), Move{Node: "b", Segment: m.segment, Notice: m.notice, Blackout: time.Millisecond, Limit: time.Millisecond}, nil)
		if err != nil || moved.Handover == nil || moved.Handover.To != m.segment {
			t.Fatalf("to %s: %+v, %v", m.segment, moved, err)
		}
		if took := time.Since(began); (took < m.notice) != m.early {
			t.Errorf("to %s with %v notice: it took %v", m.segment, m.notice, took)
		}
	}
	if _, err := c.Move(t.Context(), Move{Node: "b", Segment: "left", Notice: -1}, nil); err == nil || !strings.Contains(err.Error(), "notice") {
		t.Errorf("a negative notice: %v", err)
	}
}

// A node that comes back to the router it left need not register: the move ends well when it is bound.
func TestMoveSameRouter(t *testing.T) {
	l := walkers(t, Config{})
	c, _ := serve(t, l)
	for k, reason := range []string{"", "the same router as before: the binding stands, nobody had to be told"} {
		m, err := c.Move(t.Context(), Move{Node: "b", Segment: "left", Limit: 10 * time.Second}, nil)
		if h := m.Handover; err != nil || h == nil || h.Outcome != scenario.Registered || h.Reason != reason || time.Duration(*h.Registered) < walkerWait {
			t.Errorf("move %d: %+v, %v", k, m.Handover, err)
		}
	}
}

// One that does not register within the limit says so, and stays where it is.
func TestMoveFails(t *testing.T) {
	l := walkers(t, Config{})
	c, _ := serve(t, l)
	move := func(segment string, limit time.Duration) (Moved, error) {
		return c.Move(t.Context(), Move{Node: "b", Segment: segment, Limit: limit}, nil)
	}
	m, err := move(deaf, 100*time.Millisecond)
	if err != nil || m.Handover == nil || m.Handover.Outcome != scenario.Failed ||
		m.Handover.Reason != "not registered within 100ms of joining; it waits for: router advertisement" {
		t.Errorf("%+v, %v", m.Handover, err)
	}
	if m, err := move("left", 0); err != nil || m.Handover != nil {
		t.Errorf("nobody waits: %+v, %v", m, err)
	}
	for want, m := range map[string]Move{
		`no mobile node "r"; there are: b`:          {Node: "r", Segment: "left"},
		`no mobile node "a"; there are: b`:          {Node: "a", Segment: "right"},
		`no cell "nowhere"; there are: left, right`: {Node: "b", Segment: "nowhere"},
		`no interface "eth7"; it has: eth0`:         {Node: "b", Segment: "left", Iface: "eth7"},
		`0 to 10m0s is allowed`:                     {Node: "b", Segment: "left", Limit: time.Hour},
		`blackout of -1s`:                           {Node: "b", Segment: "left", Blackout: -time.Second},
	} {
		if _, err := c.Move(t.Context(), m, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", m, err, want)
		}
	}
	if s := l.Status().Nodes; s[2].Ifaces[0].Segment != "left" || s[0].Ifaces[0].Segment != "left" {
		t.Errorf("the nodes are at %+v", s)
	}
}

// The cells are the radio cells and what mobile nodes are on; wires between routers are none.
func TestCells(t *testing.T) {
	p := &scenario.Plan{Segments: []scenario.Segment{{Name: "core"}, {Name: "desk"}, {Name: "cell"}},
		Nodes: []scenario.Node{{Name: "mn", Userland: true, Ifaces: []scenario.Iface{{Name: "eth0", Segment: "desk"}}}}}
	if c := strings.Join(Cells(p), " "); c != "core desk cell" {
		t.Errorf("without a radio cell: %s", c)
	}
	p.Segments[2].Air = true
	if c := strings.Join(Cells(p), " "); c != "desk cell" {
		t.Errorf("with one: %s", c)
	}
	m := Move{Node: "mn", Segment: "core"}
	s := Status{Segments: []string{"core", "desk", "cell"}, Cells: Cells(p), Nodes: []NodeStatus{{Name: "mn", Mobile: true}}}
	if err := m.check(s); err == nil || !strings.Contains(err.Error(), `"core" is a wire between routers`) {
		t.Error(err)
	}
}

// Hosts of plain kernel on which nodes are run by hand: the one on a radio cell moves, to the link where one router waits too.
func TestCellsOfPlainHosts(t *testing.T) {
	on := func(names ...string) (ifaces []scenario.Iface) {
		for _, name := range names {
			ifaces = append(ifaces, scenario.Iface{Segment: name})
		}
		return ifaces
	}
	p := &scenario.Plan{Segments: []scenario.Segment{{Name: "wire"}, {Name: "home"}, {Name: "office", Air: true}}, Nodes: []scenario.Node{
		{Name: "ha", Forward: true, Ifaces: on("wire", "home")}, {Name: "ar", Forward: true, Ifaces: on("wire", "office")},
		{Name: "cn", Ifaces: on("wire")}, {Name: "mn", Ifaces: on("office")}}}
	if c := strings.Join(Cells(p), " "); c != "home office" {
		t.Errorf("cells: %s", c)
	}
	for k, want := range []bool{false, false, false, true} {
		if n := &p.Nodes[k]; mobile(p, n) != want {
			t.Errorf("%s is mobile: %v", n.Name, !want)
		}
	}
}

// Who gives up waiting for a move leaves the node attached, and free to be moved again; meanwhile nobody else moves it.
func TestMoveInterrupted(t *testing.T) {
	l := walkers(t, Config{})
	c, _ := serve(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := c.Move(ctx, Move{Node: "b", Segment: "left", Blackout: time.Minute, Limit: time.Minute}, nil)
		ended <- err
	}()
	at := func(want string) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); l.Status().Nodes[2].Ifaces[0].Segment != want; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("b is at %q, want %q", l.Status().Nodes[2].Ifaces[0].Segment, want)
			}
		}
	}
	at("")
	if _, err := c.Move(t.Context(), Move{Node: "b", Segment: "right"}, nil); err == nil || !strings.Contains(err.Error(), "moved already") {
		t.Errorf("a second move: %v", err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("a move that was given up went well")
	}
	at("left")
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		_, err := c.Move(t.Context(), Move{Node: "b", Segment: "right"}, nil)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// Followers hear of every event of the nodes they ask for, and of what is done by hand.
func TestFollow(t *testing.T) {
	l := walkers(t, Config{})
	c, _ := serve(t, l)
	if n, err := l.alive("b"); err != nil {
		t.Fatal(err)
	} else if _, err := n.Views(t.Context()); err != nil { // what it says of its first link has been told when it answers
		t.Fatal(err)
	}
	heard := func(node string) chan Told {
		out := make(chan Told, 100)
		go func() {
			if err := c.Follow(t.Context(), node, func(e Told) { out <- e }); err != nil {
				t.Error(err)
			}
		}()
		return out
	}
	all, one := heard(""), heard("b")
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) { // until both are heard
		l.hub.mu.Lock()
		n := len(l.hub.listeners)
		l.hub.mu.Unlock()
		if n == 2 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the followers do not come")
		}
	}
	if err := c.Do(scenario.Action{Verb: scenario.Detach, Node: "a", Iface: "eth0"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(scenario.Action{Verb: scenario.Detach, Node: "b", Iface: "eth0"}); err != nil {
		t.Fatal(err)
	}
	next := func(c chan Told, node, name string) {
		t.Helper()
		select {
		case e := <-c:
			if e.Node != node || e.Event.Name != name || e.At <= 0 {
				t.Errorf("%+v, want %s of %s", e, name, node)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s of %s is not told", name, node)
		}
	}
	next(all, "a", EventDetached)
	for _, c := range []chan Told{all, one} {
		next(c, "b", EventDetached)
		next(c, "b", engine.EventStep)
	}
	if err := c.Follow(t.Context(), "x", nil); err == nil || !strings.Contains(err.Error(), "a, b, r") {
		t.Errorf("a node that does not exist: %v", err)
	}
	if err := c.Follow(t.Context(), "a", nil); err == nil || !strings.Contains(err.Error(), "plain kernel") {
		t.Errorf("a node without engines: %v", err)
	}
	if _, err := c.Down(); err != nil { // with followers that never end by themselves
		t.Fatal(err)
	}
}

// A follower that does not read loses events and is told how many; nobody waits for it.
func TestFollowSlowly(t *testing.T) {
	f := &follower{c: make(chan Told, 2)}
	for k := range 5 {
		f.Event(time.Duration(k), "b", "mn", engine.Event{Name: "x"})
	}
	<-f.c
	<-f.c
	f.Event(9, "b", "mn", engine.Event{Name: "y"})
	if e := <-f.c; e.Lost != 3 || e.Event.Name != "y" {
		t.Errorf("%+v, want 3 lost", e)
	}
}

// The control socket of a node is reached through the lab's.
func TestNodeControl(t *testing.T) {
	l := walkers(t, Config{})
	c, _ := serve(t, l)
	n, err := c.Node("b")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for _, x := range []struct{ verb, want string }{{"hello", `"hello"`}, {"views", `{"mn":"here"}`}, {"engines", `["mn"]`}} {
		r, err := n.Call(t.Context(), "", x.verb, nil)
		if err != nil || r.Err != "" || string(r.Data) != x.want {
			t.Errorf("%s: %s, %q, %v; want %s", x.verb, r.Data, r.Err, err, x.want)
		}
	}
	if _, err := c.Node("a"); err == nil || !strings.Contains(err.Error(), "plain kernel") {
		t.Errorf("a node without engines: %v", err)
	}
	if err := c.Do(scenario.Action{Verb: scenario.Crash, Node: "b"}); err != nil {
		t.Fatal(err)
	}
	if r, err := n.Call(t.Context(), "", "hello", nil); err == nil && r.Err == "" {
		t.Errorf("a crashed node answers %s", r.Data)
	}
	if _, err := c.Node("b"); err == nil || !strings.Contains(err.Error(), "crashed") {
		t.Errorf("a crashed node: %v", err)
	}
}

// The captures of a lab that is up can be read meanwhile.
func TestCapturesMeanwhile(t *testing.T) {
	dir := t.TempDir()
	l := walkers(t, Config{CaptureDir: dir})
	if l.Status().Captures != dir {
		t.Errorf("status %+v", l.Status())
	}
	file := filepath.Join(dir, "right.pcapng")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if i, err := os.Stat(file); err == nil && i.Size() > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nothing is in the capture while the lab is up")
		}
	}
	if _, senders := readCapture(t, file, time.Now().Add(-time.Hour)); len(senders) == 0 {
		t.Error("the capture has no sender")
	}
}

// A capture ends at its limit; what does not fit is counted.
func TestCaptureLimit(t *testing.T) {
	dir := t.TempDir()
	p := triangle(scenario.LinkModel{}, scenario.LinkModel{})
	c, err := openCaptures(dir, p, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.limit = 1000
	m, seg := &member{label: "a/eth0"}, &segment{name: "left"}
	for range 20 {
		c.write(&taped{seg: seg, from: m}, make([]byte, 100))
	}
	if err := c.close(); err != nil || c.full != 14 { // (100 + blockExtra) goes into 1000 six times
		t.Errorf("%d frames found no room, want 14; %v", c.full, err)
	}
	if i, err := os.Stat(filepath.Join(dir, "left.pcapng")); err != nil || i.Size() > 1000 {
		t.Errorf("%v, %v", i.Size(), err)
	}
}

// Orders that nobody should send are refused with a word.
func TestOrdersRefused(t *testing.T) {
	c, _ := served(t)
	for want, o := range map[string]order{
		"unknown order": {Op: "fly"}, "without an action": {Op: "do"}, "without a move": {Op: "move"}, "came with 0 files": {Op: "exec"},
	} {
		conn, err := c.send(o, nil)
		if err != nil {
			t.Fatal(err)
		}
		var a answer
		if err := json.NewDecoder(conn).Decode(&a); err != nil || !strings.Contains(a.Err, want) {
			t.Errorf("%+v: %q, %v; want %q", o, a.Err, err, want)
		}
		conn.Close()
	}
}
