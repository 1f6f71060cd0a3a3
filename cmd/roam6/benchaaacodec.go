package main

import (
	"bytes"
	"context"
	"net/netip"

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

// benchAAACodec measures what it takes to write the two messages of a registration, and to read and check them.
func benchAAACodec(context.Context) (rows []benchRow, err error) {
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
	for _, x := range []struct {
		name string
		f    func()
	}{
		{"write ARR", func() { arr.Octets(&b) }},
		{"read ARR", read(request, func(m diameter.Message) error { _, err := mip6aaa.ParseARR(m); return err })},
		{"write ARA", func() { ara.Octets(&c, asked, "aaah."+aaaRealm, aaaRealm) }},
		{"read ARA", read(answer, func(m diameter.Message) error { _, err := mip6aaa.ParseARA(m); return err })},
	} {
		ns, allocs := measure(x.f)
		rows = append(rows, ours(x.name, "ns", ns...), ours(x.name, "allocations", allocs))
	}
	return rows, nil
}
