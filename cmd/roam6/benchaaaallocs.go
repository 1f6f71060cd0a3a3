package main

import (
	"bytes"
	"errors"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
)

// relayBatch is how many messages a relay reads at a time when its allocations are counted.
const relayBatch = 32

// relayAllocations counts what our relay allocates for a request that it passes on and the answer that it passes back.
func relayAllocations(request []byte) (float64, error) {
	relay, err := newRelayEngine(aaaRelayed{Clients: []string{aaaHost(0)}, Servers: map[string]int{"aaa." + aaaRealm: 3868}})
	if err != nil {
		return 0, err
	}
	const client, serverDialled = engine.Conn(2), engine.Conn(1)
	now := engine.Now{Mono: 1, Wall: time.Unix(1.8e9, 0)}
	var out engine.Effects
	give := func(in engine.Input) {
		out.Reset()
		relay.Handle(now, in, &out)
	}
	at := netip.AddrPortFrom(netip.IPv6Loopback(), 3868)
	var b diameter.Builder
	give(engine.Start{})
	give(engine.Opened{Conn: client, Listener: "diameter", From: at, To: at})
	give(engine.Stream{Conn: client, Data: bytes.Clone(capabilities(b.Request(diameter.CapabilitiesExchange, diameter.AppBase, 0), aaaHost(0), "a.example"))})
	give(engine.Opened{Conn: serverDialled, From: at, To: at})
	cer, err := diameter.Parse(written(&out))
	if err != nil {
		return 0, err
	}
	give(engine.Stream{Conn: serverDialled, Data: bytes.Clone(capabilities(b.Answer(cer.Header, diameter.Success), "aaa."+aaaRealm, aaaRealm))})
	asked, err := diameter.Parse(request)
	if err != nil {
		return 0, err
	}
	answer := bytes.Clone(b.Reply(asked, diameter.Success, "aaa."+aaaRealm, aaaRealm).Done())
	requests, answers := bytes.Repeat(request, relayBatch), bytes.Repeat(answer, relayBatch)
	in, back := make([]byte, len(requests)), make([]byte, len(answers))
	var question, reply engine.Input = engine.Stream{Conn: client, Data: in}, engine.Stream{Conn: serverDialled, Data: back}
	came := 0
	_, n := measure(func() {
		copy(in, requests)
		give(question)
		copy(back, answers)
		sent := written(&out)
		for i := range relayBatch {
			raw, rest, _ := diameter.Next(sent, 0)
			h, _ := diameter.ParseHeader(raw)
			diameter.SetHopByHop(back[i*len(answer):], h.HopByHop)
			diameter.SetEndToEnd(back[i*len(answer):], h.EndToEnd)
			sent = rest
		}
		give(reply)
		came = len(written(&out))
	})
	if came != len(answers) {
		return 0, errors.New("the relay does not give the answers back")
	}
	return n / relayBatch, nil
}

// capabilities ends a CER or CEA of a relay.
func capabilities(b *diameter.Builder, host, realm string) []byte {
	return b.Text(diameter.OriginHost, host).Text(diameter.OriginRealm, realm).Addr(diameter.HostIPAddress, netip.IPv6Loopback()).
		Uint32(diameter.VendorID, 0).Text(diameter.ProductName, "bench").Uint32(diameter.AuthApplicationID, diameter.AppRelay).Done()
}

// written is what an engine has written, if it was to one connection.
func written(out *engine.Effects) []byte {
	for _, e := range out.List {
		if w, ok := e.(engine.Write); ok {
			return w.Data
		}
	}
	return nil
}
