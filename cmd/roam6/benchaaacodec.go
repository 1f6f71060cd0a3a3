package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// codecMessages are an ARR and an ARA with all that a first registration has in them.
func codecMessages() (*mip6aaa.ARR, *mip6aaa.ARA) {
	coa := netip.MustParseAddr("2001:db8:a:1::c0a")
	route := mip6aaa.Route{Session: "ar1.a.example;1;1", OriginHost: "ar1.a.example", OriginRealm: "a.example", DestinationRealm: aaaRealm}
	arr := mip6aaa.FromRequest(&access.Request{NAI: regName(0), CareOf: coa, LocalChallenge: make([]byte, 16), HostChallenge: make([]byte, 16), Auth: make([]byte, 16),
		Features: access.HomeAddressRequested | access.HomeAgentRequested, Keys: []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random, SPI: 5000}}}, "a.example", route)
	ara := mip6aaa.FromReply(&access.Reply{Result: uint32(diameter.Success), Auth: make([]byte, 16), Lifetime: 3600e9,
		Keys: []access.KeyData{{Use: access.HomeAgent, Method: access.Random, Algorithm: access.AESGCM, SPI: 7000, Lifetime: 3600e9, Value: make([]byte, access.ValueLen)}}},
		func(access.Use) uint32 { return 5000 })
	ara.User, ara.Home, ara.Agent = regName(0), netip.MustParseAddr("2001:db8:f::100"), regAgent
	return arr, ara
}

// codecOther is the program that measures another codec, which the product has no need of.
const codecOther = "go-diameter"

// codecTime is how long one measurement of it lasts.
const codecTime = benchTime

// benchAAACodec measures what it takes to write the two messages of a registration, and to read and check them; beside another codec where
// that is there. Then what a relay allocates.
func benchAAACodec(ctx context.Context) ([]benchRow, error) {
	arr, ara := codecMessages()
	var b, c diameter.Builder
	request := bytes.Clone(arr.Octets(&b))
	asked, err := diameter.Parse(request)
	if err != nil {
		return nil, err
	}
	answer := bytes.Clone(ara.Octets(&c, asked, "aaah."+aaaRealm, aaaRealm))
	read := func(raw []byte, value func(diameter.Message) error) func() {
		return func() {
			m, err := diameter.Parse(raw)
			must(err)
			must(diameter.Check(m))
			must(value(m))
		}
	}
	path, lack := besideUs(codecOther)
	var other *codecProcess
	if lack == nil {
		if other, err = startCodec(path, request, answer); err != nil {
			return nil, err
		}
	}
	var rows []benchRow
	for _, x := range []struct {
		name string
		f    func()
	}{
		{"write ARR", func() { arr.Octets(&b) }},
		{"read ARR", read(request, func(m diameter.Message) error { _, err := mip6aaa.ParseARR(m); return err })},
		{"write ARA", func() { ara.Octets(&c, asked, "aaah."+aaaRealm, aaaRealm) }},
		{"read ARA", read(answer, func(m diameter.Message) error { _, err := mip6aaa.ParseARA(m); return err })},
	} {
		more, err := codecRows(x.name, x.f, other)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, errors.Join(err, other.close())
		}
		rows = append(rows, more...)
	}
	allocs, err := relayAllocations(request)
	return append(rows, ours("relay an ARR and an answer, 32 of each at a time", "allocations", allocs)), errors.Join(err, other.close())
}

// codecRows measures one case, there and back with the other codec.
func codecRows(name string, f func(), other *codecProcess) ([]benchRow, error) {
	if other == nil {
		ns, allocs := measure(f)
		row := ours(name, "ns", ns...)
		return []benchRow{row, {Name: name, Unit: "ns", Peer: codecOther, Skipped: "no " + codecOther + " (in a clone: make go-diameter)"}, ours(name, "allocations", allocs)}, nil
	}
	var mine, theirs, mineAllocs, theirAllocs []float64
	for turn := range aaaTurns {
		for side := range 2 {
			if side == turn%2 {
				ns, allocs := measure(f)
				mine, mineAllocs = append(mine, slices.Min(ns)), append(mineAllocs, allocs)
				continue
			}
			ns, allocs, err := other.measure(name)
			if err != nil {
				return nil, err
			}
			theirs, theirAllocs = append(theirs, ns), append(theirAllocs, allocs)
		}
	}
	return []benchRow{beside(name, "ns", other.name, mine, theirs), beside(name, "allocations", other.name, mineAllocs, theirAllocs)}, nil
}

// codecProcess is the other codec's program at work.
type codecProcess struct {
	benchProcess
	name string // and version
	ask  *json.Encoder
	told *json.Decoder
}

// startCodec starts the other codec's program and gives it the messages.
func startCodec(path string, request, answer []byte) (*codecProcess, error) {
	return startMeasurer(path, map[string]any{"Dictionary": codecDictionary(request, answer), "ARR": request, "ARA": answer, "Time": codecTime})
}

// startMeasurer starts a program that measures a library, and gives it its order.
func startMeasurer(path string, order map[string]any) (*codecProcess, error) {
	p := &codecProcess{}
	if err := p.prepare(path); err != nil {
		return nil, err
	}
	out, err := p.child.StdoutPipe()
	if err == nil {
		err = p.child.Start()
	}
	if err != nil {
		return nil, err
	}
	p.ask, p.told = json.NewEncoder(p.stdin), json.NewDecoder(out)
	err = p.ask.Encode(order)
	if err == nil {
		err = p.told.Decode(&p.name)
	}
	if err != nil {
		return nil, errors.Join(err, p.close(), fmt.Errorf("%s says %q", path, p.said.String()))
	}
	return p, nil
}

// measure gives the least of as many runs as ours has.
func (p *codecProcess) measure(name string) (ns, allocs float64, err error) {
	var said struct{ NS, Allocs float64 }
	for i := range benchRuns {
		if err := errors.Join(p.ask.Encode(name), p.told.Decode(&said)); err != nil {
			return 0, 0, fmt.Errorf("%s: %w; it says %q", p.name, err, p.said.String())
		}
		if i == 0 || said.NS < ns {
			ns = said.NS
		}
	}
	return ns, said.Allocs, nil
}

func (p *codecProcess) close() error {
	if p == nil {
		return nil
	}
	return p.benchProcess.close()
}

// codecTypes are the types of our application's AVPs by their names.
var codecTypes = map[diameter.Type]string{diameter.OctetString: "OctetString", diameter.Unsigned32: "Unsigned32", diameter.Grouped: "Grouped",
	diameter.Address: "Address", diameter.UTF8String: "UTF8String", diameter.Enumerated: "Enumerated"}

// codecDictionary tells, in the other codec's XML, what the AVPs of our application in messages are; those of the base protocol it knows.
func codecDictionary(request, answer []byte) string {
	var b strings.Builder
	rules := func(in string, l diameter.List) {
		fmt.Fprintf(&b, "<%s>", in)
		for a := range l.All() {
			fmt.Fprintf(&b, `<rule avp="%s" required="false"/>`, a.Name())
		}
		fmt.Fprintf(&b, "</%s>", in)
	}
	fmt.Fprintf(&b, `<diameter><application id="%d" type="auth" name="Mobile IPv6 AAA"><command code="%d" short="AR" name="AA-Registration">`,
		diameter.AppMobileIPv6AAA, diameter.AARegistration)
	rules("request", request[diameter.HeaderLen:])
	rules("answer", answer[diameter.HeaderLen:])
	b.WriteString("</command>")
	known := map[diameter.Key]bool{}
	var list func(l diameter.List)
	list = func(l diameter.List) {
		for a := range l.All() {
			d, ok := diameter.Lookup(a.Key)
			if !ok || known[a.Key] || a.Vendor == 0 {
				continue
			}
			known[a.Key] = true
			fmt.Fprintf(&b, `<avp name="%s" code="%d" must="M,V" may-encrypt="-" vendor-id="%d"><data type="%s">`, d.Name, a.Code, a.Vendor, codecTypes[d.Type])
			for x := range diameter.List(a.Data).All() {
				if d.Type == diameter.Grouped {
					fmt.Fprintf(&b, `<rule avp="%s" required="false"/>`, x.Name())
				}
			}
			b.WriteString("</data></avp>")
			if d.Type == diameter.Grouped {
				list(diameter.List(a.Data))
			}
		}
	}
	list(request[diameter.HeaderLen:])
	list(answer[diameter.HeaderLen:])
	return b.String() + "</application></diameter>"
}
