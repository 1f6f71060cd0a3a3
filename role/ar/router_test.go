package ar

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/advertise"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

var hw = plane.HW{2, 0, 0, 0, 0, 1}

func router(t *testing.T) *Router {
	t.Helper()
	var links []advertise.Config
	for port := plane.Port(1); port <= 2; port++ {
		links = append(links, advertise.Config{
			Port: port, Prefix: netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 7: byte(port)}), 64), IntervalMin: 100 * time.Second,
			IntervalMax: 200 * time.Second, Lifetime: time.Hour, DelayMax: 100 * time.Millisecond, Valid: time.Hour, Preferred: time.Hour,
		})
	}
	r, err := New(Config{Links: links}, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Each link is advertised on when it is up, and a solicitation is answered on its own link only.
//
// spec MIP-07 RT-01
func TestLinks(t *testing.T) {
	r := router(t)
	var now engine.Now
	do := func(in engine.Input) (ports []plane.Port) {
		var out engine.Effects
		r.Handle(now, in, &out)
		for _, e := range out.List {
			if s, ok := e.(engine.Send); ok {
				ports = append(ports, s.Port)
			}
		}
		return ports
	}
	do(engine.Start{})
	if at, _ := r.Deadline(); at != engine.Never {
		t.Error("speaks before a link is up")
	}
	do(engine.LinkUp{Port: 1, HW: hw, MTU: 1500})
	do(engine.LinkUp{Port: 2, HW: hw, MTU: 1500})
	if got := do(engine.Tick{}); len(got) != 2 {
		t.Fatalf("first advertisements on %v", got)
	}
	now.Mono = now.Mono.Add(2 * time.Second)
	src, dst := ip6.LinkLocal(plane.HW{2, 9}), ip6.AllRouters
	p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: nd.Append(nil, src, dst, &nd.RouterSolicitation{})}
	forwarded := p
	forwarded.HopLimit = 64
	before, _ := r.Deadline()
	do(engine.Packet{Port: 2, Data: forwarded.Append(nil)})
	if at, _ := r.Deadline(); at != before {
		t.Error("answers a solicitation from beyond the link")
	}
	do(engine.Packet{Port: 2, Data: p.Append(nil)})
	at, why := r.Deadline()
	if at > now.Mono.Add(100*time.Millisecond) {
		t.Fatalf("the answer is due at %v (%s)", at, why)
	}
	now.Mono = at
	if got := do(engine.Tick{}); len(got) != 1 || got[0] != 2 {
		t.Errorf("answered on %v", got)
	}
	do(engine.LinkDown{Port: 2})
	v := r.View().(View)
	if !v.Links[0].Up || v.Links[1].Up || v.Links[1].Advertisements != 2 {
		t.Errorf("%+v", v)
	}
	if _, err := json.Marshal(v); err != nil {
		t.Error(err)
	}
}

func TestCommand(t *testing.T) {
	for verb, ok := range map[string]bool{"view": true, "fly": false, "handover": false} {
		var out engine.Effects
		router(t).Handle(engine.Now{}, engine.Command{ID: 3, Verb: verb}, &out)
		if r := out.List[0].(engine.Reply); r.ID != 3 || (r.Err == "") != ok {
			t.Errorf("%s: %+v", verb, r)
		}
	}
}

func FuzzPacket(f *testing.F) {
	src, dst := ip6.LinkLocal(plane.HW{2, 9}), ip6.AllRouters
	p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: nd.Append(nil, src, dst, &nd.RouterSolicitation{})}
	f.Add(p.Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out engine.Effects
		r := router(t)
		r.Handle(engine.Now{}, engine.LinkUp{Port: 1, HW: hw}, &out)
		r.Handle(engine.Now{}, engine.Packet{Port: 1, Data: data}, &out)
	})
}

func FuzzClient(f *testing.F) {
	m := newMobile(1)
	q := &access.Request{NAI: user, CareOf: m.coa, LocalChallenge: make([]byte, 16), HostChallenge: make([]byte, 16), Auth: make([]byte, access.AuthLen)}
	for _, part := range access.Split(q, 1) {
		p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: m.coa, Dst: clientAddr}, Proto: ip6.ProtoICMPv6, Payload: part.Append(nil, m.coa, clientAddr)}
		f.Add(p.Append(nil), "record/1", []byte("{}"))
	}
	f.Add([]byte{}, "open/x", []byte(`{"session":"x","kind":2}`))
	f.Fuzz(func(t *testing.T, data []byte, key string, value []byte) {
		r, err := New(accounting(), [32]byte{1})
		if err != nil {
			t.Fatal(err)
		}
		var out engine.Effects
		r.Handle(engine.Now{}, engine.Start{Records: []engine.Record{{Bucket: bucket, Key: key, Value: value}}}, &out)
		r.Handle(engine.Now{}, engine.LinkUp{Port: 1, HW: hw}, &out)
		r.Handle(engine.Now{}, engine.Packet{Port: 1, From: m.hw, Data: data}, &out)
		r.Handle(engine.Now{Mono: engine.Mono(time.Hour)}, engine.Tick{}, &out)
	})
}
