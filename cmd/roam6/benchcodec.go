package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"roam6/wire/mh"
	"roam6/wire/nd"
)

// codecCase is a message as the wire has it, and how it is parsed and appended.
type codecCase struct {
	name   string
	octets []byte
	parse  func([]byte) error
	add    func([]byte) []byte
}

// benchCodec measures the messages of a handover: solicitation and advertisement, duplicate detection, registration.
func benchCodec(ctx context.Context, _ *benchFlags) ([]benchRow, error) {
	var rows []benchRow
	for _, c := range codecCases() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := c.parse(c.octets); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		ns, allocs := measure(func() { _ = c.parse(c.octets) })
		rows = append(rows, ours("parse "+c.name, "ns", ns...), ours("parse "+c.name, "allocations", allocs))
		buf := make([]byte, 0, 512)
		ns, allocs = measure(func() { buf = c.add(buf[:0]) })
		rows = append(rows, ours("append "+c.name, "ns", ns...), ours("append "+c.name, "allocations", allocs))
	}
	return rows, nil
}

func codecCases() []codecCase {
	hoa, ha := netip.MustParseAddr("2001:db8:0:1::100"), netip.MustParseAddr("2001:db8:0:1::a")
	coa, hw := netip.MustParseAddr("2001:db8:a:1::9"), [6]byte{2, 0, 0, 0, 9, 1}
	router, all := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("ff02::1")
	prefix := nd.Prefix{Prefix: netip.MustParsePrefix("2001:db8:a:1::/64"), OnLink: true, Autonomous: true, Valid: time.Hour, Preferred: time.Hour}
	mobility := func(name string, src, dst netip.Addr, m mh.Message) codecCase {
		return codecCase{name, mh.Append(nil, src, dst, m),
			func(b []byte) error { _, err := mh.Parse(src, dst, b); return err },
			func(b []byte) []byte { return mh.Append(b, src, dst, m) }}
	}
	neighbor := func(name string, src, dst netip.Addr, m nd.Message) codecCase {
		return codecCase{name, nd.Append(nil, src, dst, m),
			func(b []byte) error { _, err := nd.Parse(src, dst, 255, b); return err },
			func(b []byte) []byte { return nd.Append(b, src, dst, m) }}
	}
	return []codecCase{
		mobility("BU", hoa, ha, &mh.BindingUpdate{Seq: 1, Ack: true, Home: true, Lifetime: time.Minute, Options: mh.Options{AltCareOf: coa}}),
		mobility("BA", ha, hoa, &mh.BindingAck{Seq: 1, Lifetime: time.Minute}),
		neighbor("RA", router, all, &nd.RouterAdvertisement{HopLimit: 64, Lifetime: time.Hour,
			Options: nd.Options{SourceHW: hw, Prefixes: []nd.Prefix{prefix}, AdvInterval: 70 * time.Millisecond}}),
		neighbor("NS", coa, router, &nd.NeighborSolicitation{Target: router, Options: nd.Options{SourceHW: hw}}),
	}
}
