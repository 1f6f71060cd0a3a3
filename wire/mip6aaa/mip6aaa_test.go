package mip6aaa

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

var (
	coa   = netip.MustParseAddr("2001:db8:a:1::c0a")
	hoa   = netip.MustParseAddr("2001:db8:1::100")
	ha    = netip.MustParseAddr("2001:db8:1::1")
	route = Route{"ar1.visited.example;1;2", "ar1.visited.example", "visited.example", "home.example", ""}
)

const visited = "visited.example"

func update(home netip.Addr) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, HomeAddress: home, Proto: ip6.ProtoMH,
		Payload: mh.Append(nil, home, ha, &mh.BindingUpdate{Seq: 7, Ack: true, Home: true, Lifetime: time.Hour})}
	return p.Append(nil)
}

func acknowledgement() []byte {
	p := ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, Routing2: hoa, Proto: ip6.ProtoMH,
		Payload: mh.Append(nil, ha, hoa, &mh.BindingAck{Seq: 7, Lifetime: time.Hour})}
	return p.Append(nil)
}

func drawn(t *rapid.T, low, high int, what string) []byte {
	return rapid.SliceOfN(rapid.Byte(), low, high).Draw(t, what)
}

// maybe is octets or none.
func maybe(t *rapid.T, low, high int, what string) []byte {
	if !rapid.Bool().Draw(t, "has "+what) {
		return nil
	}
	return drawn(t, low, high, what)
}

// anyRequest draws what a mobile node may say, as access.Join gives it.
func anyRequest(t *rapid.T) *access.Request {
	r := &access.Request{CareOf: coa, LocalChallenge: drawn(t, access.MinChallenge, access.MaxChallenge, "local challenge"),
		Features: access.Features(rapid.Uint32Range(0, 15).Draw(t, "features"))}
	who := rapid.IntRange(1, 3).Draw(t, "identities")
	if who&1 != 0 {
		r.NAI = rapid.StringMatching(`[a-zé]{1,20}@[a-z]{1,9}\.example`).Draw(t, "nai")
	}
	if who&2 != 0 {
		r.HomeAddress = hoa
	}
	how := rapid.IntRange(1, 3).Draw(t, "authentications")
	if how&1 != 0 {
		r.Auth = drawn(t, access.AuthLen, access.AuthLen, "auth")
		r.HostChallenge = drawn(t, access.MinChallenge, access.MaxChallenge, "host challenge")
	}
	if how&2 != 0 {
		body := drawn(t, 0, 400, "eap")
		n := len(body) + 4
		r.EAP = append([]byte{2, 1, byte(n >> 8), byte(n)}, body...)
	}
	for _, use := range rapid.Permutation([]access.Use{access.HomeAgent, access.AccessRouter}).Draw(t, "uses")[:rapid.IntRange(0, 2).Draw(t, "keys")] {
		k := access.KeyRequest{Use: use, Methods: access.Methods(rapid.IntRange(1, 3).Draw(t, "methods")), SPI: rapid.Uint32Range(access.MinSPI, 1<<32-1).Draw(t, "spi")}
		if k.Methods&access.DiffieHellman != 0 {
			k.Public = drawn(t, access.ValueLen, access.ValueLen, "public")
		}
		r.Keys = append(r.Keys, k)
	}
	if rapid.Bool().Draw(t, "has binding update") {
		r.Binding = update(hoa)
	}
	return r
}

// read is what whoever gets a message does with it.
func read(t interface{ Fatal(...any) }, raw []byte) diameter.Message {
	m, err := diameter.Parse(slices.Clone(raw))
	if err == nil {
		err = diameter.Check(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A request is covered by the same octets where the mobile node made it and where the home server reads it, whatever the visited
// network says of its home agents on the way.
func TestRequestIsCovered(t *testing.T) { //spec DM-09 DM-11
	rapid.Check(t, func(t *rapid.T) {
		made := anyRequest(t)
		at, err := access.ParseRequest(made.AppendBody(nil))
		if err != nil {
			t.Fatal(err)
		}
		a := FromRequest(at, visited, route)
		if rapid.Bool().Draw(t, "available") {
			a.Features |= access.VisitedAvailable
		}
		var b diameter.Builder
		got, err := ParseARR(read(t, a.Octets(&b)))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, a) {
			t.Fatalf("\n got %+v\nwant %+v", got, a)
		}
		r, err := got.Request()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(r.Covered(), made.Covered()) || !bytes.Equal(r.Auth, made.Auth) || got.Visited != visited {
			t.Fatalf("\n got %+v\nwant %+v", r, made)
		}
	})
}

func anyReply(t *rapid.T) *access.Reply {
	r := &access.Reply{Result: 2001, Auth: maybe(t, access.AuthLen, access.AuthLen, "auth"), Lifetime: time.Duration(rapid.IntRange(0, 9e6).Draw(t, "lifetime")) * time.Second}
	if rapid.Bool().Draw(t, "has binding acknowledgement") {
		r.Binding = acknowledgement()
	}
	if rapid.Bool().Draw(t, "another round") {
		r.Result, r.EAP = 1001, []byte{1, 2, 0, 5, 51}
	}
	for _, use := range rapid.Permutation([]access.Use{access.HomeAgent, access.AccessRouter}).Draw(t, "uses")[:rapid.IntRange(0, 2).Draw(t, "keys")] {
		k := access.KeyData{Use: use, Method: access.Methods(rapid.IntRange(1, 2).Draw(t, "method")), Algorithm: access.AESGCM,
			SPI: rapid.Uint32Range(access.MinSPI, 1<<32-1).Draw(t, "spi"), Lifetime: time.Duration(rapid.IntRange(1, 9e6).Draw(t, "life")) * time.Second,
			Value: drawn(t, access.ValueLen, access.ValueLen, "value")}
		if k.Method == access.DiffieHellman {
			k.MAC = drawn(t, access.AuthLen, access.AuthLen, "mac")
		}
		r.Keys = append(r.Keys, k)
	}
	return r
}

func TestReplyIsCovered(t *testing.T) { //spec DM-09 DM-11
	rapid.Check(t, func(t *rapid.T) {
		made := anyReply(t)
		a := FromReply(made, func(use access.Use) uint32 { return 4000 + uint32(use) })
		var b, c diameter.Builder
		got, err := ParseARA(read(t, a.Octets(&b, read(t, whole().Octets(&c)), "aaa.home.example", "home.example")))
		if err != nil {
			t.Fatal(err)
		}
		a.Outcome = Outcome{route.Session, "aaa.home.example", "home.example", diameter.ResultCode(made.Result), ""}
		if !reflect.DeepEqual(got, a) {
			t.Fatalf("\n got %+v\nwant %+v", got, a)
		}
		if r := got.Reply(); !bytes.Equal(r.Covered(), made.Covered()) || !bytes.Equal(r.Auth, made.Auth) {
			t.Fatalf("\n got %+v\nwant %+v", r, made)
		}
	})
}

// whole has everything an ARR can have.
func whole() *ARR {
	return &ARR{Route: route, User: "mn@home.example", Home: hoa, CareOf: coa, LocalChallenge: make([]byte, 8), HostChallenge: make([]byte, 16), Visited: visited,
		Auth: make([]byte, 16), Features: access.HomeAgentRequested, Binding: update(hoa), Agent: ha,
		Keys: []access.KeyRequest{{Use: access.HomeAgent, Methods: 3, SPI: 4096, Public: make([]byte, 32)}},
		Peer: []PeerKey{{Use: access.AccessRouter, Method: access.DiffieHellman, PeerSPI: 5000, Public: make([]byte, 32)}}}
}

func wholeHOR() *HOR {
	return &HOR{Route: route, User: "mn@home.example", Visited: visited, CareOf: coa, Lifetime: time.Hour, Features: access.HomeAgentRequested,
		Binding: update(hoa), Home: hoa, Agent: ha,
		Peer: []PeerKey{{Use: access.HomeAgent, Method: access.Random, MNSPI: 4096, Lifetime: time.Hour, Algorithm: access.AESGCM, Material: bytes.Repeat([]byte{9}, 32)}}}
}

func wholeACR() *ACR {
	return &ACR{Route: route, User: "mn@home.example", Kind: Interim, Number: 7, At: time.Unix(2e9, 0).UTC(), Spent: time.Minute, Home: hoa, CareOf: coa, Agent: ha,
		OctetsUp: 1 << 40, OctetsDown: 2, PacketsUp: 3, PacketsDown: 4}
}

func TestRoundTrips(t *testing.T) { //spec DM-02 DM-03 DM-22
	var b, c diameter.Builder
	h := wholeHOR()
	asked := read(t, h.Octets(&b))
	if got, err := ParseHOR(asked); err != nil || !reflect.DeepEqual(got, h) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, h)
	}
	who := Outcome{route.Session, "ha.home.example", "home.example", diameter.Success, ""}
	a := &HOA{Outcome: who, User: h.User, Binding: acknowledgement(), Home: hoa, Agent: ha,
		Peer: []PeerKey{{Use: access.HomeAgent, Method: access.Random, PeerSPI: 4097}}}
	if got, err := ParseHOA(read(t, a.Octets(&c, asked, who.OriginHost, who.OriginRealm))); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, a)
	}
	r := wholeACR()
	asked = read(t, r.Octets(&b))
	if got, err := ParseACR(asked); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, r)
	}
	done := &ACA{Outcome: who, Kind: Interim, Number: 7, User: r.User}
	if got, err := ParseACA(read(t, done.Octets(&c, asked, who.OriginHost, who.OriginRealm))); err != nil || !reflect.DeepEqual(got, done) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, done)
	}
}

// What the dictionary lets pass and means nothing is refused with its code, and no key is sent back in the refusal.
func TestRefused(t *testing.T) { //spec DM-03
	key := func(with func(b *diameter.Builder)) func(b *diameter.Builder) {
		return func(b *diameter.Builder) {
			b.Group(diameter.KeyRequest, func(b *diameter.Builder) {
				b.Uint32(diameter.KeyType, 1).Uint32(diameter.KeyMethod, 1)
				with(b)
			})
		}
	}
	for name, c := range map[string]struct {
		code diameter.ResultCode
		with func(a *ARR)
		more func(b *diameter.Builder)
	}{ //order:any
		"nobody":                {diameter.MissingAVP, func(a *ARR) { a.User, a.Home = "", netip.Addr{} }, nil},
		"nothing to prove it":   {diameter.MissingAVP, func(a *ARR) { a.Auth = nil }, nil},
		"no care-of address":    {diameter.MissingAVP, func(a *ARR) { a.CareOf = netip.Addr{} }, nil},
		"no network with EAP":   {diameter.MissingAVP, func(a *ARR) { a.Auth, a.EAP, a.Visited = nil, []byte{2, 1, 0, 4}, "" }, nil},
		"care-of address":       {diameter.InvalidAVPValue, func(a *ARR) { a.CareOf = ip6.AllNodes }, nil},
		"IPv4":                  {diameter.InvalidAVPValue, func(a *ARR) { a.Home = netip.MustParseAddr("192.0.2.1") }, nil},
		"a NAI with a space":    {diameter.InvalidAVPValue, func(a *ARR) { a.User = "m n@x" }, nil},
		"authentication data":   {diameter.InvalidAVPLength, func(a *ARR) { a.Auth = a.Auth[:15] }, nil},
		"a flag without a name": {diameter.InvalidAVPValue, func(a *ARR) { a.Features = 32 }, nil},
		"public value":          {diameter.InvalidAVPLength, func(a *ARR) { a.Keys[0].Public = a.Keys[0].Public[:31] }, nil},
		"reserved SPI":          {diameter.InvalidAVPValue, func(a *ARR) { a.Keys[0].SPI = 255 }, nil},
		"two for one use":       {diameter.ContradictingAVPs, func(a *ARR) {}, key(func(b *diameter.Builder) { b.Uint32(diameter.MNSPI, 4096) })},
		"other SPI":             {diameter.ContradictingAVPs, func(a *ARR) { a.Keys[0].Methods = 2 }, key(func(b *diameter.Builder) { b.Uint32(diameter.MNSPI, 4099) })},
		"random with public": {diameter.InvalidAVPValue, func(a *ARR) { a.Keys = nil }, key(func(b *diameter.Builder) {
			b.Uint32(diameter.MNSPI, 4096).Bytes(diameter.DHPublicValue, make([]byte, 32))
		})},
		"challenge twice":         {diameter.ContradictingAVPs, func(a *ARR) {}, func(b *diameter.Builder) { b.Bytes(diameter.LocalChallenge, make([]byte, 8)) }},
		"two offers of a key":     {diameter.ContradictingAVPs, func(a *ARR) { a.Peer = append(a.Peer, a.Peer[0]) }, nil},
		"a secret with Diffie-H.": {diameter.InvalidAVPValue, func(a *ARR) { a.Peer[0].Material = bytes.Repeat([]byte{0x5a}, 32) }, nil},
	} {
		a := whole()
		c.with(a)
		var b diameter.Builder
		a.Append(begin(&b, diameter.AARegistration))
		if c.more != nil {
			c.more(&b)
		}
		_, err := ParseARR(read(t, b.Done()))
		var e *diameter.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Text == "" {
			t.Errorf("%s: %v; want %v", name, err, c.code)
		}
		if e != nil && bytes.Contains(e.Failed, []byte{0x5a, 0x5a, 0x5a}) {
			t.Errorf("%s: the refusal holds the key", name)
		}
	}
}

// An embedded binding update must be what the mobile node's own checks allow, and name the agent that the ARR names.
func TestRequestRefused(t *testing.T) { //spec DM-12
	for name, with := range map[string]func(a *ARR){ //order:any
		"another agent":     func(a *ARR) { a.Agent = hoa },
		"no agent":          func(a *ARR) { a.Agent = netip.Addr{} },
		"another source":    func(a *ARR) { a.CareOf = hoa },
		"another home":      func(a *ARR) { a.Home = coa },
		"no mobility":       func(a *ARR) { a.Binding = make([]byte, 60) },
		"a short challenge": func(a *ARR) { a.HostChallenge = a.HostChallenge[:7] },
		"EAP of no length":  func(a *ARR) { a.EAP = []byte{2, 1, 0, 9} },
	} {
		a := whole()
		with(a)
		r, err := a.Request()
		var e *diameter.Error
		if r != nil || !errors.As(err, &e) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, err := whole().Request(); err != nil {
		t.Error(err)
	}
}

// What a parser gives is its own: the machine that carries messages uses their memory again.
func TestSharesNothing(t *testing.T) {
	var b diameter.Builder
	m := read(t, whole().Octets(&b))
	got, err := ParseARR(m)
	if err != nil {
		t.Fatal(err)
	}
	clear(m.Raw)
	if !reflect.DeepEqual(got, whole()) {
		t.Errorf("%+v", got)
	}
}
