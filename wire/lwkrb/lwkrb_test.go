package lwkrb

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire"
	"roam6/wire/ip6"
	"roam6/wire/octets"
)

var (
	label    = rapid.StringMatching(`[a-zA-Z0-9.é-]{1,24}`)
	realmGen = rapid.StringMatching(`[A-Z0-9.-]{1,40}`)
	timeGen  = rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(int64(rapid.Uint32Range(1, 1<<32-1).Draw(t, "s")), 0).UTC()
	})
	realmsGen = rapid.Custom(anyRealms)
	routerGen = rapid.Custom(func(t *rapid.T) Principal {
		return MakePrincipal(realmGen.Draw(t, "realm"), ServiceRouter, label.Draw(t, "host"))
	})
	keyNameGen = rapid.Custom(func(t *rapid.T) KeyName {
		return KeyName{anyPrincipal(t), rapid.Uint32().Draw(t, "kvno"), rapid.Uint8Range(17, 20).Draw(t, "etype")}
	})
	sealedGen = rapid.SliceOfN(rapid.Byte(), SealedMin, 200)
)

func anyPrincipal(t *rapid.T) Principal {
	parts := rapid.SliceOfN(label, 1, MaxComponents).Draw(t, "components")
	return MakePrincipal(realmGen.Draw(t, "realm"), parts...)
}

func anyRealms(t *rapid.T) []string {
	list := rapid.SliceOfNDistinct(realmGen, 0, MaxRealms, rapid.ID).Draw(t, "realms")
	if len(list) == 0 {
		return nil
	}
	return list
}

func octetsOrNone(t *rapid.T, most int) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, "octets")
}

func anyWant(t *rapid.T) (Want, uint32) {
	w := Want(rapid.Uint16().Draw(t, "flags")) & known
	if w&protection == 0 {
		return w, 0
	}
	return w, rapid.Uint32Range(MinSPI, 1<<32-1).Draw(t, "spi")
}

func anyAddress(t *rapid.T, ok func(netip.Addr) bool) netip.Addr {
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		return netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")))
	}).Filter(ok).Draw(t, "address")
}

func anyAuthenticator(t *rapid.T) *Authenticator {
	m := &Authenticator{Time: timeGen.Draw(t, "time"), CareOf: anyAddress(t, ip6.Routable), Address: anyAddress(t, unicast),
		LinkLayer: octetsOrNone(t, MaxLinkLayer), Router: routerGen.Draw(t, "router")}
	m.Want, m.SPI = anyWant(t)
	return m
}

// anyValues draws one of each.
func anyValues(t *rapid.T) map[string]value {
	id := rapid.Uint32().Draw(t, "id")
	ticket := Ticket{keyNameGen.Draw(t, "key"), sealedGen.Draw(t, "ticket")}
	mac := [][]byte{nil, octets.Ramp(1, MACLen)}[rapid.IntRange(0, 1).Draw(t, "mac")]
	start := timeGen.Filter(func(s time.Time) bool { return s.Unix() < 1<<31 }).Draw(t, "start")
	end := start.Add(time.Duration(rapid.Uint32Range(1, 1<<30).Draw(t, "length")) * time.Second)
	reply := &ReplyBody{Time: timeGen.Draw(t, "time"), Lifetime: time.Duration(rapid.Uint32Range(1, 1<<32-1).Draw(t, "lifetime")) * time.Second}
	reply.Granted, reply.SPI = anyWant(t)
	opened := OpenReplyBody{Code: None, Time: start, Key: octets.Ramp(1, SecretLen), Opened: Opened{Flags: id, End: end, Client: anyPrincipal(t), Transited: realmsGen.Draw(t, "transited"),
		Authenticator: anyAuthenticator(t).Append(nil), Attributes: octetsOrNone(t, MaxAttributes)}}
	return map[string]value{
		"ap-req": &Request{id, ticket, sealedGen.Draw(t, "authenticator")}, "ticket": &ticket,
		"ap-rep": &Reply{id, sealedGen.Draw(t, "sealed")}, "error": &Error{id, Code(rapid.Uint16Min(1).Draw(t, "code")), start, mac},
		"open-req": &OpenRequest{id, ticket.Key, sealedGen.Draw(t, "sealed")}, "open-rep": &OpenReply{id, sealedGen.Draw(t, "sealed")},
		"ticket body":   &TicketBody{id, start, end, octets.Ramp(9, SecretLen), anyPrincipal(t), realmsGen.Draw(t, "transited"), octetsOrNone(t, MaxAttributes)},
		"authenticator": anyAuthenticator(t), "ap-rep body": reply,
		"open-req body": &OpenRequestBody{start, routerGen.Draw(t, "router"), realmsGen.Draw(t, "path"), sealedGen.Draw(t, "request")},
		"open-rep body": &opened, "open-rep body that refuses": &OpenReplyBody{Code: Skew, Time: start, Key: octets.Ramp(1, SecretLen)},
	}
}

func TestRoundTrips(t *testing.T) { //spec FH-04 FH-10 FH-14 FH-15 FH-16
	rapid.Check(t, func(t *rapid.T) {
		for name, v := range anyValues(t) { //order:any
			b := v.Append(nil)
			got, err := goldens[name].parse(b)
			if err != nil || !reflect.DeepEqual(got, v) {
				t.Fatalf("%s: %v\n got %+v\nwant %+v", name, err, got, v)
			}
		}
	})
}

// FuzzParse: what is accepted is written as the same octets again, by every parser.
func FuzzParse(f *testing.F) {
	for _, g := range goldens { //order:any
		f.Add(g.octets())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, g := range goldens { //order:any
			before := bytes.Clone(b)
			v, err := g.parse(b)
			if !bytes.Equal(b, before) {
				t.Fatalf("%s: parsing changed %x into %x", name, before, b)
			}
			if err != nil {
				var e *wire.Error
				if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(b) {
					t.Fatalf("%s: %v", name, err)
				}
				continue
			}
			if out := v.Append(nil); !bytes.Equal(out, b) {
				t.Fatalf("%s\n read %x\nwrote %x", name, b, out)
			}
		}
	})
}

// put gives a golden with other octets at a place.
func put(name string, at int, to ...byte) []byte {
	b := goldens[name].octets()
	copy(b[at:], to)
	return b
}

func TestRefused(t *testing.T) { //spec FH-18
	long := func(n int) []byte { return append(put("ap-rep", 2, byte(n>>8), byte(n)), make([]byte, n-48)...) }
	for what, c := range map[string]struct { //order:any
		golden string
		b      []byte
		field  string
		at     int
		want   error
	}{
		"version":               {"ap-req", put("ap-req", 0, 2), "Version", 0, wire.ErrUnknown},
		"type":                  {"ap-req", put("ap-req", 1, 6), "Type", 1, wire.ErrUnknown},
		"short length":          {"ap-req", put("ap-req", 3, 0x69), "Length", 2, wire.ErrLength},
		"long length":           {"ap-req", put("ap-req", 3, 0x6b), "Length", 2, wire.ErrTruncated},
		"long message":          {"ap-rep", long(MaxMessage + 1), "Length", 2, wire.ErrLimit},
		"short principal":       {"ap-req", put("ap-req", 8, 2), "length(Principal)", 8, wire.ErrLength},
		"no realm":              {"ap-req", put("ap-req", 17, 'x'), "Principal", 9, wire.ErrValue},
		"two realms":            {"ap-req", put("ap-req", 15, '@'), "Principal", 9, wire.ErrValue},
		"encryption type":       {"ap-req", put("ap-req", 23, 23), "Encryption type", 23, wire.ErrUnknown},
		"short ticket":          {"ap-req", put("ap-req", 25, 39), "length(Ticket)", 24, wire.ErrLength},
		"long ticket":           {"ap-req", put("ap-req", 24, 3, 1), "length(Ticket)", 24, wire.ErrLimit},
		"no authenticator":      {"ap-req", put("ap-req", 25, 41), "Authenticator", 106, wire.ErrTruncated},
		"no error":              {"error", put("error", 9, 0), "Code", 8, wire.ErrValue},
		"no time":               {"error", put("error", 10, 0, 0, 0, 0), "Time", 10, wire.ErrValue},
		"ends before it starts": {"ticket body", put("ticket body", 8, 0x6b, 0x49, 0xd2, 0), "End time", 8, wire.ErrValue},
		"too many realms":       {"ticket body", put("ticket body", 50, 9), "count(Transited)", 50, wire.ErrLimit},
		"no realm's name":       {"ticket body", put("ticket body", 51, 0), "length(Transited)", 51, wire.ErrLength},
		"realm with @":          {"ticket body", put("ticket body", 52, '@'), "Transited", 52, wire.ErrValue},
		"realm twice":           {"ticket body", put("ticket body", 51, 1, 'C', 1, 'C'), "Transited", 54, wire.ErrValue},
		"attributes":            {"ticket body", append(put("ticket body", 0), make([]byte, MaxAttributes)...), "Attributes", 56, wire.ErrLimit},
		"flag":                  {"authenticator", put("authenticator", 5, 1), "Flags", 4, wire.ErrValue},
		"no SPI":                {"authenticator", put("authenticator", 6, 0, 0, 0, 0), "SPI", 6, wire.ErrValue},
		"reserved SPI":          {"authenticator", put("authenticator", 6, 0, 0, 0, 255), "SPI", 6, wire.ErrValue},
		"SPI for nothing":       {"authenticator", put("authenticator", 4, 0x20), "SPI", 6, wire.ErrValue},
		"link-local":            {"authenticator", put("authenticator", 10, 0xfe, 0x80), "Care-of address", 10, wire.ErrValue},
		"multicast router":      {"authenticator", put("authenticator", 26, 0xff, 2), "Router address", 26, wire.ErrValue},
		"link-layer address":    {"authenticator", put("authenticator", 42, 9), "length(Link-layer address)", 42, wire.ErrLimit},
		"another service":       {"authenticator", put("authenticator", 50, 'M'), "Router", 50, wire.ErrValue},
		"no lifetime":           {"ap-rep body", put("ap-rep body", 4, 0, 0, 0, 0), "Lifetime", 4, wire.ErrValue},
		"short authenticator":   {"open-rep body", put("open-rep body", 54, 46), "length(Authenticator)", 53, wire.ErrLength},
	} {
		v, err := goldens[c.golden].parse(c.b)
		var e *wire.Error
		if !errors.Is(err, c.want) || !errors.As(err, &e) || e.Field != c.field || e.Offset != c.at || e.Proto != "lwkrb" {
			t.Errorf("%s: %+v, %v; want %s at octet %d: %v", what, v, err, c.field, c.at, c.want)
		}
	}
}

func TestPrincipals(t *testing.T) {
	for p, want := range map[Principal]bool{ //order:any
		"ann@HOME.EXAMPLE": true, "a@A": true, "krbtgt/B@A": true, "a/b/c/d@A": true, "änn@A": true,
		"": false, "ann": false, "@A": false, "ann@": false, "a@b@c": false, "a/b/c/d/e@A": false, "/a@A": false, "a/@A": false, "a//b@A": false,
		"a b@A": false, "a\\/b@A": false, "a@A/B": false, "a\x00@A": false, "a\xff@A": false, "a\u00a0b@A": false, "a@A B": false, "a\x7f@A": false,
		Principal(strings.Repeat("a", 253)) + "@A": true, Principal(strings.Repeat("a", 254)) + "@A": false,
	} {
		if p.Valid() != want {
			t.Errorf("%q: %v", p, !want)
		}
	}
	if p := MakePrincipal("A", "mobileip", "ar1.a"); p != "mobileip/ar1.a@A" || p.Name() != "mobileip/ar1.a" || p.Realm() != "A" || !p.Router() {
		t.Errorf("%s: %q, %q", p, p.Name(), p.Realm())
	}
	for p, want := range map[Principal]bool{"mobileip@A": false, "mobileip/a/b@A": false, "host/a@A": false, "mobileip/a@A": true} { //order:any
		if p.Router() != want { //spec RT-39
			t.Errorf("%s is a router: %v", p, !want)
		}
	}
	for p, want := range map[Principal]Principal{"mobileip/ar1.a.example@A": "mobileip/access.a.example@A", "mobileip/ar1@A": "", "mobileip/ar1.@A": "", "host/ar1.a@A": "", "ann@A": ""} { //order:any
		if got, ok := p.Shared(); got != want || ok != (want != "") {
			t.Errorf("shared by %s: %q, %v", p, got, ok)
		}
	}
}

func TestCases(t *testing.T) { //spec FH-13 FH-14 FH-15
	const router = "mobileip/ar1.a.example@A"
	for sealer, want := range map[Principal]Case{ //order:any
		router: CaseRouter, "mobileip/access.a.example@A": CaseRouter, "krbtgt/A@A": CaseLocal, "krbtgt/A@HOME": CaseLocal,
		"krbtgt/HOME@HOME": CaseFar, "krbtgt/B@HOME": CaseFar, "mobileip/ar2.a.example@A": CaseNone, "mobileip/access.b.example@A": CaseNone,
		"mobileip/access.a.example@B": CaseNone, "host/ar1.a.example@A": CaseNone, "ann@A": CaseNone, "krbtgt@A": CaseNone,
	} {
		if got := CaseOf(sealer, router); got != want {
			t.Errorf("%s: case %d, want %d", sealer, got, want)
		}
	}
	if CaseOf("krbtgt/A@A", "host/ar1.a.example@A") != CaseNone {
		t.Error("a ticket is shown to who is no access router")
	}
	for _, c := range []struct {
		self   string
		sealer Principal
		want   bool
	}{
		{"A", "krbtgt/A@HOME", true}, {"A", "krbtgt/A@A", true}, {"A", "mobileip/access.a.example@A", true}, {"A", router, true},
		{"A", "krbtgt/HOME@HOME", false}, {"HOME", "krbtgt/HOME@HOME", true}, {"HOME", router, false}, {"A", "host/x@A", false}, {"A", "mobileip/ar2.a.example@A", false},
	} {
		if Opens(c.self, c.sealer, router) != c.want {
			t.Errorf("the KDC of %s opens %s: %v", c.self, c.sealer, !c.want)
		}
	}
}

func TestChecks(t *testing.T) { //spec FH-16 FH-18
	ticket := TicketBody{Start: when, End: when.Add(time.Hour)}
	auth := Authenticator{Time: when, Router: "mobileip/a.b@A", CareOf: careOf, Address: address, LinkLayer: []byte{1, 2}}
	place := Place{Address: address, CareOf: careOf, LinkLayer: []byte{1, 2}}
	with := func(f func(*Place)) Place { p := place; f(&p); return p }
	invalid := ticket
	invalid.Flags = FlagInvalid
	open := func(router Principal, path ...string) *OpenRequestBody {
		return &OpenRequestBody{Time: when, Router: router, Path: path}
	}
	reply := ReplyBody{Time: when, Lifetime: time.Hour, Granted: WantAH}
	for what, c := range map[string]struct{ got, want error }{ //order:any
		"ticket":                       {ticket.Check(when), nil},
		"ticket, early":                {ticket.Check(when.Add(-MaxSkew)), nil},
		"ticket, too early":            {ticket.Check(when.Add(-MaxSkew - 1)), NotYetValid},
		"ticket, last moment":          {ticket.Check(when.Add(time.Hour - 1)), nil},
		"ticket, too late":             {ticket.Check(when.Add(time.Hour)), Expired},
		"ticket that is postdated":     {invalid.Check(when), NotYetValid},
		"authenticator":                {auth.Check(when, "mobileip/a.b@A"), nil},
		"authenticator, elsewhere":     {auth.Check(when, "mobileip/a.c@A"), NotUs},
		"authenticator, another realm": {auth.Check(when, "mobileip/a.b@B"), NotUs},
		"authenticator, late":          {auth.Check(when.Add(MaxSkew+time.Second), "mobileip/a.b@A"), Skew},
		"authenticator, early":         {auth.Check(when.Add(-MaxSkew-time.Second), "mobileip/a.b@A"), Skew},
		"place":                        {auth.CheckPlace(place), nil},
		"place without link layer":     {auth.CheckPlace(with(func(p *Place) { p.LinkLayer = nil })), nil},
		"another care-of address":      {auth.CheckPlace(with(func(p *Place) { p.CareOf = address })), BadAddress},
		"another router address":       {auth.CheckPlace(with(func(p *Place) { p.Address = careOf })), BadAddress},
		"another link layer":           {auth.CheckPlace(with(func(p *Place) { p.LinkLayer = []byte{1, 3} })), BadAddress},
		"router asks":                  {open("mobileip/a.b@A").Check(when, "mobileip/a.b@A", "A"), nil},
		"router asks for another":      {open("mobileip/a.c@A").Check(when, "mobileip/a.b@A", "A"), BadMatch},
		"host asks":                    {open("host/a@A").Check(when, "host/a@A", "A"), BadMatch},
		"router asks elsewhere":        {open("mobileip/a.b@A").Check(when, "mobileip/a.b@A", "B"), WrongRealm},
		"router asks late":             {open("mobileip/a.b@A").Check(when.Add(MaxSkew+time.Second), "mobileip/a.b@A", "A"), Skew},
		"realm asks":                   {open("mobileip/a.b@A", "A").Check(when, "krbtgt/H@A", "H"), nil},
		"realm asks by another":        {open("mobileip/a.b@A", "A", "X").Check(when, "krbtgt/H@X", "H"), nil},
		"realm hides another":          {open("mobileip/a.b@A", "X").Check(when, "krbtgt/H@X", "H"), BadPath},
		"realm claims another":         {open("mobileip/a.b@A", "A").Check(when, "krbtgt/H@X", "H"), BadPath},
		"realm asks in a loop":         {open("mobileip/a.b@A", "A", "H", "X").Check(when, "krbtgt/H@X", "H"), BadPath},
		"realm asks who is not asked":  {open("mobileip/a.b@A", "A").Check(when, "krbtgt/X@A", "H"), WrongRealm},
		"router claims a path":         {open("mobileip/a.b@A", "A").Check(when, "mobileip/a.b@A", "A"), WrongRealm},
		"realm without a path":         {open("mobileip/a.b@A").Check(when, "krbtgt/H@A", "H"), BadMatch},
		"granted":                      {reply.CheckGrant(WantAH|WantBuffer, when.Add(time.Hour)), nil},
		"granted less":                 {reply.CheckGrant(WantAH|WantESP, when.Add(time.Hour)), Policy},
		"granted another":              {reply.CheckGrant(WantESP, when.Add(time.Hour)), Policy},
		"granted for too long":         {reply.CheckGrant(WantAH, when.Add(time.Hour-time.Second)), Policy},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
}

// An ap-req of the latest time that is fresh at all is stale when it is forgotten.
func TestRememberedWhileFresh(t *testing.T) { //spec FH-18
	taken := when.Add(999 * time.Millisecond)
	a := Authenticator{Time: when.Add(MaxSkew), Router: "mobileip/a.b@A"}
	if err := a.Check(taken, a.Router); err != nil {
		t.Error(err)
	}
	if a.Check(taken.Add(Remember-time.Second), a.Router) != nil || a.Check(taken.Add(Remember), a.Router) != Skew {
		t.Error("forgotten too early, or remembered for too long")
	}
}

func TestWords(t *testing.T) {
	for c := range Code(100) {
		if s := c.String(); s == "" || codes[c] == "" && c != None && !strings.Contains(s, "error ") {
			t.Errorf("%d: %q", c, s)
		}
	}
	if s := Expired.Error(); s != "lwkrb: ticket expired (32)" {
		t.Error(s)
	}
	if Type(9).String() != "unknown message" || TypeOpenReply.String() != "lwkerb-open-rep" {
		t.Error("types")
	}
}

// The MAC of an error covers its length with the MAC.
func TestCovered(t *testing.T) {
	e := goldens["error with MAC"].want.(*Error)
	if b := e.Append(nil); !bytes.Equal(e.Covered(), b[:len(b)-MACLen]) {
		t.Errorf("%x of %x", e.Covered(), b)
	}
	bare := *e
	bare.MAC = nil
	if !bytes.Equal(bare.Covered(), e.Covered()) {
		t.Error("another before the MAC is there")
	}
}

func BenchmarkParseRequest(b *testing.B) {
	raw := goldens["ap-req"].octets()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseRequest(raw); err != nil {
			b.Fatal(err)
		}
	}
}
