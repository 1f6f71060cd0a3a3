package engine

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"roam6/plane"

	"pgregory.net/rapid"
)

var (
	hoa = netip.MustParseAddr("2001:db8:1::10")
	coa = netip.MustParseAddr("2001:db8:a:1::99")
	ha  = netip.MustParseAddr("2001:db8:1::1")
	hw  = plane.HW{2, 0, 0, 0, 0, 1}
)

// One of everything a journal can hold, with the empty forms that JSON likes to lose.
var entries = []Entry{
	{Input: Start{}},
	{Input: Start{Records: []Record{{"mn/sa", "out/1", []byte{0, 255}}, {"b", "k", []byte{}}}}},
	{Input: Packet{Port: 1, From: hw, Data: []byte{0x60, 0}}},
	{Input: Packet{Data: []byte{}}},
	{Input: Tick{}},
	{Input: LinkUp{Port: 2, Name: "wlan0", HW: hw, MTU: 1500, Attachment: "cell \"7\"\n"}},
	{Input: LinkDown{Port: 2}},
	{Input: LinkHint{Port: 1, Attachment: "ar2", HW: hw, In: 200e6}},
	{Input: LinkHint{Port: 1}},
	{Input: Traffic{Mobile: hoa, Peer: ha}},
	{Input: Traffic{Mobile: hoa, Peer: ha, Straight: true}},
	{Input: Traffic{Mobile: hoa, Peer: ha, Straight: true, Unreachable: ha}},
	{Input: Command{ID: 1<<64 - 1, Verb: "binding", Args: map[string]string{"hoa": "2001:db8:1::10", "": ""}}},
	{Effect: Send{Port: plane.Kernel, To: hw, Data: []byte("packet")}},
	{Effect: Plane{Op: plane.Op{Link: &plane.LinkOp{Port: 1, Link: plane.Link{Gateway: hw, MTU: 1280}}}}},
	{Effect: Plane{Op: plane.Op{Local: &plane.LocalOp{Addr: ha, Local: plane.Local{Port: 1, Capture: true, Tentative: true, Proxy: true}}}}},
	{Effect: Plane{Op: plane.Op{Delete: true, Host: &plane.HostOp{Addr: hoa, Host: plane.Host{MTU: 1400, Default: true}}}}},
	{Effect: Plane{Op: plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(hoa, 128), Path: plane.Path{
		Side: plane.Mobile, Mode: plane.Tunnel, Local: coa, Remote: ha, Out: 1, MTU: 1500, Limit: 100, Age: 1e9, Capture: true}}}}},
	{Effect: Plane{Op: plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(hoa, 64), Path: plane.Path{Mode: plane.Hold}}}}},
	{Effect: Plane{Op: plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(hoa, 128), Path: plane.Path{Side: plane.Agent, Mode: plane.Direct,
		Out: 1, To: hw, Octets: 9000, Policy: plane.Oldest, Keep: true, Dedup: 1e8, Control: true, Mark: true, Settle: 1e9}}}}},
	{Effect: Plane{Op: plane.Op{Way: &plane.WayOp{Key: plane.WayKey{Inner: netip.PrefixFrom(hoa, 128), ID: 2},
		Way: plane.Way{Local: coa, Remote: ha, Out: 1, To: hw, MTU: 1400, Copy: true, Until: 5e9}}}}},
	{Effect: Plane{Op: plane.Op{Delete: true, Way: &plane.WayOp{}}}},
	{Effect: Plane{Op: plane.Op{Route: &plane.RouteOp{Pair: plane.Pair{Mobile: hoa, Peer: ha},
		Route: plane.Route{Side: plane.Peer, CareOf: coa, Out: 1, MTU: 1400, Capture: true}}}}},
	{Effect: Plane{Op: plane.Op{Gate: &plane.GateOp{Key: plane.GateKey{From: netip.PrefixFrom(coa, 64), Port: 1}, Gate: plane.Gate{Open: true}}}}},
	{Effect: Plane{Op: plane.Op{Flow: &plane.FlowOp{Number: 1<<32 - 1, Flow: plane.Flow{Src: netip.PrefixFrom(hoa, 128), Proto: 17, SrcPort: 1, DstPort: 65535,
		Mark: true, DSCP: 46, Rate: 1e6, Burst: 9000, Way: 2}}}}},
	{Effect: Plane{Op: plane.Op{Flow: &plane.FlowOp{}}}},
	{Effect: Persist{Bucket: "sa", Key: "in/1", Value: []byte{1}}},
	{Effect: Persist{Bucket: "sa", Key: "deleted"}},
	{Effect: Persist{Bucket: "sa", Key: "empty", Value: []byte{}}},
	{Effect: Attach{Port: 1, Attachment: "ar2"}},
	{Effect: Reply{ID: 7, Err: "no such binding"}},
	{Effect: Reply{ID: 7, Data: []byte(`{"bindings":[]}`)}},
	{Effect: Event{Name: EventStep, Reason: "dad", Attrs: []Attr{A("coa", coa), S("step", "<&>")}}},
	{Effect: Event{Name: EventFailed}},
	{Effect: Listen{Name: "peers", At: netip.AddrPortFrom(ha, 5658), TLS: "diameter"}},
	{Effect: Listen{}},
	{Effect: Listen{Name: "kdc", At: netip.AddrPortFrom(netip.Addr{}, 88)}},
	{Effect: Dial{Conn: 1<<64 - 1, To: netip.AddrPortFrom(ha, 3868), From: coa, TLS: "diameter", Server: "aaa.example.org"}},
	{Effect: Dial{Conn: 1, To: netip.MustParseAddrPort("[fe80::1%wlan0]:3868")}},
	{Effect: Write{Conn: 2, Data: []byte{1, 0, 0, 20}}},
	{Effect: Write{Conn: 2, Data: []byte{}}},
	{Effect: Close{Conn: 2}},
	{Effect: Query{ID: 1<<64 - 1, Table: "subscribers", Key: "user@example.org"}},
	{Effect: Query{Table: "accounting", Put: []byte{}}},
	{Effect: Query{Table: "accounting", Put: []byte("record")}},
	{Input: Opened{Conn: 2, Listener: "peers", From: netip.AddrPortFrom(ha, 5658), To: netip.AddrPortFrom(coa, 40000), Names: []string{"a.example.org", "b"}}},
	{Input: Opened{Conn: 1, From: netip.AddrPortFrom(coa, 40000), To: netip.AddrPortFrom(ha, 3868)}},
	{Input: Stream{Conn: 2, Data: []byte{1, 0, 0, 20}}},
	{Input: Closed{Conn: 2, Listener: "peers", Reason: ReasonPeerClosed}},
	{Input: Closed{Listener: "peers", Reason: ReasonAddressInUse}},
	{Input: Result{ID: 1<<64 - 1, Value: []byte{0, 255}}},
	{Input: Result{Value: []byte{}}},
	{Input: Result{Err: ErrNotFound}},
	{Effect: Measure{ID: 1<<64 - 1, Key: plane.MeterKey{Addr: coa, Port: 2}}},
	{Effect: Measure{}},
	{Input: Measured{ID: 1<<64 - 1, Key: plane.MeterKey{Addr: coa, Port: 2}, Up: plane.Count{Packets: 1, Octets: 1<<64 - 1}, Down: plane.Count{Packets: 3}}},
	{Input: Measured{Err: ErrFailed}},
	{Effect: Plane{Op: plane.Op{Meter: &plane.MeterOp{Key: plane.MeterKey{Addr: coa, Port: 2}}}}},
	{Effect: Bind{}},
	{Effect: Bind{Name: "kdc", At: netip.AddrPortFrom(netip.Addr{}, 88)}}, // everywhere: the port must not be lost
	{Effect: Bind{Name: "kdc", At: netip.MustParseAddrPort("0.0.0.0:88")}},
	{Effect: Bind{Name: "kdc", At: netip.AddrPortFrom(ha, 0)}},
	{Effect: Datagram{Name: "kdc", Peer: netip.AddrPortFrom(coa, 40000), Local: ha, Data: []byte{0x6b}}},
	{Effect: Datagram{Data: []byte{}}},
	{Input: Datagram{Name: "kdc", Peer: netip.MustParseAddrPort("192.0.2.7:40000"), Local: netip.MustParseAddr("192.0.2.1"), Data: []byte{0x6a, 0}}},
	{Input: Datagram{Name: "kdc", Peer: netip.MustParseAddrPort("[fe80::1%3]:40000"), Local: netip.MustParseAddr("fe80::2%3"), Data: []byte{}}},
}

func TestJournalRoundTrip(t *testing.T) {
	for _, e := range entries {
		e.Mono, e.Wall, e.Engine = Never, -1, "mn"
		roundTrip(t, e)
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func roundTrip(t fataler, e Entry) {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatalf("%+v: %v", e, err)
	}
	var got Entry
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	if !reflect.DeepEqual(got, e) {
		t.Fatalf("%s\nwas  %#v\ngave %#v", b, e, got)
	}
}

func TestJournalRoundTripOfAnything(t *testing.T) {
	octets := rapid.SliceOfN(rapid.Byte(), 0, 40)
	text := rapid.StringN(0, 10, 30)
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom(entries).Draw(t, "like")
		e.Mono, e.Wall, e.Engine = Mono(rapid.Int64().Draw(t, "mono")), rapid.Int64().Draw(t, "wall"), text.Draw(t, "engine")
		switch in := e.Input.(type) {
		case Packet:
			in.Data = octets.Draw(t, "data")
			e.Input = in
		case Stream:
			in.Data = octets.Draw(t, "data")
			e.Input = in
		case Datagram:
			in.Data = octets.Draw(t, "data")
			e.Input = in
		case Result:
			in.Value, in.Err = octets.Draw(t, "value"), text.Draw(t, "err")
			e.Input = in
		case Command:
			in.Args = rapid.MapOfN(text, text, 1, 4).Draw(t, "args")
			e.Input = in
		}
		switch out := e.Effect.(type) {
		case Persist:
			out.Key, out.Value = text.Draw(t, "key"), octets.Draw(t, "value")
			e.Effect = out
		case Write:
			out.Data = octets.Draw(t, "data")
			e.Effect = out
		case Event:
			out.Attrs = []Attr{{text.Draw(t, "k"), text.Draw(t, "v")}}
			e.Effect = out
		}
		roundTrip(t, e)
	})
}

// A journal read with the wrong version of the program is refused with words that say what is wrong.
func TestJournalRefusals(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{}`, "exactly one"},
		{`{"mono":1,"wall":1,"engine":"mn","in":"tick","out":"send","value":{}}`, "exactly one"},
		{`{"in":"tock","value":{}}`, `"tock" is not one of start`},
		{`{"out":"unbind","value":{}}`, `"unbind" is not one of send`},
		{`{"out":"dial","value":{"to":"[2001:db8::1]:diameter"}}`, "port"},
		{`{"in":"stream","value":{"conn":-1}}`, "conn"},
		{`{"in":"send","value":{}}`, "is not one of start"},
		{`{"in":"tick"}`, "journal"},
		{`{"in":"tick","value":{"late":1}}`, `unknown field "late"`},
		{`{"in":"tick","value":{},"extra":0}`, `unknown field "extra"`},
		{`{"in":"packet","value":{"port":"one"}}`, "port"},
		{`{"in":"packet","value":{"port":1,"from":[0,0,0,0,0,0],"data":"!"}}`, "base64"},
		{`{"in":"link-down","value":[1]}`, "array"},
		{`{"out":"plane","value":{"op":{"Host":{"Addr":"2001:db8::g"}}}}`, "2001:db8::g"},
		{`{"out":"measure","value":{"key":"2001:db8::1"}}`, "not an address and a number"},
		{`{"in":"measured","value":{"up":{"packets":-1}}}`, "packets"},
		{`{"out":"bind","value":{"name":"kdc","at":"[::]:88"}}`, `unknown field "at"`},
		{`{"out":"bind","value":{"port":65536}}`, "port"},
		{`{"in":"bind","value":{}}`, "is not one of start"},
		{`{"in":"datagram","value":{"peer":"192.0.2.7"}}`, "ip:port"},
		{`[]`, "array"},
	} {
		var e Entry
		if err := json.Unmarshal([]byte(c.line), &e); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.line, err, c.want)
		}
	}
}

func TestEntryWithoutContentIsNotWritten(t *testing.T) {
	if b, err := json.Marshal(Entry{Engine: "mn"}); err == nil {
		t.Errorf("%s", b)
	}
}

func TestUnknownKindPanics(t *testing.T) {
	defer func() {
		if r, ok := recover().(string); !ok || !strings.Contains(r, "*engine.Tick") {
			t.Errorf("recovered %v", r)
		}
	}()
	kindOf(&Tick{}) // a pointer is another type: a journal would not hold it
}

// Attributes keep their order, and the list the order of the calls: order is meaning.
func TestEffectsKeepTheirOrder(t *testing.T) {
	var out Effects
	out.Persist("b", "k", nil)
	out.Send(1, hw, []byte("p"))
	out.Plane(plane.Op{})
	out.Reply(Reply{ID: 1})
	out.Event("e", S("a", "1"))
	out.Drop("malformed", S("b", "2"))
	out.Step("moved", "dad", S("c", "3"))
	out.Listen(Listen{Name: "peers"})
	out.Dial(Dial{Conn: 1})
	out.Write(1, []byte("w"))
	out.Close(1)
	out.Query(Query{ID: 1})
	out.Bind(Bind{Name: "kdc"})
	out.Datagram(Datagram{Name: "kdc"})
	want := []Effect{
		Persist{Bucket: "b", Key: "k"}, Send{1, hw, []byte("p")}, Plane{}, Reply{ID: 1}, Event{Name: "e", Attrs: []Attr{{"a", "1"}}},
		Event{Name: EventDrop, Reason: "malformed", Attrs: []Attr{{"b", "2"}}},
		Event{Name: EventStep, Reason: "dad", Attrs: []Attr{{"step", "moved"}, {"c", "3"}}},
		Listen{Name: "peers"}, Dial{Conn: 1}, Write{1, []byte("w")}, Close{1}, Query{ID: 1},
		Bind{Name: "kdc"}, Datagram{Name: "kdc"},
	}
	if !reflect.DeepEqual(out.List, want) {
		t.Errorf("%+v", out.List)
	}
	ev := out.List[6].(Event)
	if ev.Get("c") != "3" || ev.Get("none") != "" {
		t.Errorf("Get: %q, %q", ev.Get("c"), ev.Get("none"))
	}
	out.Reset()
	if len(out.List) != 0 || cap(out.List) == 0 {
		t.Errorf("after Reset: %d of %d", len(out.List), cap(out.List))
	}
	if all := out.List[:cap(out.List)]; all[0] != nil {
		t.Error("Reset keeps effects alive")
	}
}

func FuzzEntry(f *testing.F) {
	for _, e := range entries {
		b, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Entry
		if json.Unmarshal(b, &e) != nil {
			return
		}
		first, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("%q was read as %#v, and is not written: %v", b, e, err)
		}
		var again Entry
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second, _ := json.Marshal(again); string(second) != string(first) {
			t.Fatalf("%s became %s", first, second)
		}
	})
}

func BenchmarkJournal(b *testing.B) {
	e := Entry{Mono: 1e9, Wall: 1e18, Engine: "ha", Input: Packet{Port: 1, From: hw, Data: make([]byte, 120)}}
	line, err := json.Marshal(e)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			json.Marshal(e)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var e Entry
			json.Unmarshal(line, &e)
		}
	})
}

func BenchmarkEffects(b *testing.B) {
	var out Effects
	data := make([]byte, 120)
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		out.Persist("sa", "out", data)
		out.Send(1, hw, data)
		out.Event("binding.update", S("ha", "2001:db8:1::1"))
	}
}
