package kdc

import (
	"net/netip"
	"slices"
	"testing"

	"roam6/wire/krb5"
)

// realms are four in a row: HOME, B, C, D; each shares keys with its neighbours.
func realms(t testing.TB) (*world, []*center) {
	w := newWorld(t)
	names := []string{"HOME.EXAMPLE", "B.EXAMPLE", "C.EXAMPLE", "D.EXAMPLE"}
	for i, n := range names {
		cfg := Config{Realm: n}
		var ps []string
		for j, o := range names {
			switch {
			case j == i-1 || j == i+1:
				at := netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 0x88, 15: byte(j + 1)}), 88)
				cfg.Realms = append(cfg.Realms, Realm{Name: o, Transit: true, KDCs: []netip.AddrPort{at}})
				ps = append(ps, "krbtgt/"+o+"@"+n, "krbtgt/"+n+"@"+o)
			case j < i:
				cfg.Realms = append(cfg.Realms, Realm{Name: o, Via: names[i-1], Transit: true})
			case j > i:
				cfg.Realms = append(cfg.Realms, Realm{Name: o, Via: names[i+1], Transit: true})
			}
		}
		w.add(cfg, ps...)
	}
	w.kdcs[0].principal(ann)
	w.kdcs[3].principal(far)
	return w, w.kdcs
}

const far = "mobileip/ar1.d.example@D.EXAMPLE"

// walk goes from the user's realm to that of a service, by the TGTs that KDCs give.
func walk(t *testing.T, kdcs []*center, change ...func(*krb5.KDCReq)) *cred {
	t.Helper()
	x := kdcs[0].logon(ann)
	for i := range 3 {
		realm := kdcs[i].cfg.Realm
		x = kdcs[i].ticket(x, ann, "krbtgt/D.EXAMPLE@"+realm, change...)
		if next := kdcs[i+1].cfg.Realm; x.Ticket.Server.Name.TGSRealm() != next || x.EncKDCRepPart.Server.Name.TGSRealm() != next {
			t.Fatalf("from %s to %v", realm, x.Ticket.Server)
		}
	}
	return x
}

// A ticket three realms away: each KDC sends to the next and says where the ticket has been; lightweight tickets say it, too.
func TestCrossRealm(t *testing.T) { //spec RT-30 RT-40 FH-15
	w, kdcs := realms(t)
	x := kdcs[3].ticket(walk(t, kdcs, lightly), ann, far, lightly)
	in := w.inside(x)
	way := must(in.Transited.Realms("HOME.EXAMPLE", "D.EXAMPLE"))
	if want := []string{"B.EXAMPLE", "C.EXAMPLE"}; !slices.Equal(way, want) || in.Flags&krb5.TransitedPolicyChecked == 0 || in.Client.String() != ann {
		t.Errorf("by %q, %v", way, in.Flags)
	}
	if _, body := w.light(x); !slices.Equal(body.Transited, way) || body.Client != ann {
		t.Errorf("%+v", body)
	}
	if kdcs[1].queries != 3 { // its own key and both that it shares; of the user it knows nothing
		t.Errorf("%d queries", kdcs[1].queries)
	}
}

// A realm on the way that is not trusted ends it, whatever the client says; so do a realm that speaks for our users, and one that came twice.
func TestCrossRealmRefused(t *testing.T) { //spec FH-18
	w, kdcs := realms(t)
	d := kdcs[3]
	x := walk(t, kdcs)
	d.Server.cfg.realm("B.EXAMPLE").Transit = false
	for _, o := range []krb5.KDCOptions{0, krb5.OptDisableTransitedCheck} {
		if _, e := d.tgs(x, ann, far, with(o)); e == nil || e.Code != krb5.ErrPathNotAccepted {
			t.Errorf("%v: %+v", o, e)
		}
	}
	d.Server.cfg.realm("B.EXAMPLE").Transit = true
	d.ticket(x, ann, far)

	// C makes a ticket for D in a name of its choice, with a way of its choice.
	forge := func(client string, t krb5.Transited) *cred {
		in := w.inside(x)
		in.Client, in.Transited = id(client), t
		k := keyOf("krbtgt/D.EXAMPLE@C.EXAMPLE", 20)
		y := *x
		y.Ticket = krb5.Ticket{Server: x.Ticket.Server, Enc: krb5.EncryptedData{EType: 20, KVNO: 1, Cipher: k.Encrypt(nil, 2, make([]byte, 16), in.Append(nil))}}
		return &y
	}
	for name, c := range map[string]struct { //order:any
		client string
		way    krb5.Transited
		code   krb5.ErrorCode
	}{
		"our user":         {"dan@D.EXAMPLE", krb5.Transited{Type: 1}, krb5.ErrPolicy},
		"through ourself":  {ann, krb5.Transited{}.With("D.EXAMPLE"), krb5.ErrPathNotAccepted},
		"by way of home":   {ann, krb5.Transited{}.With("HOME.EXAMPLE"), krb5.ErrPathNotAccepted},
		"through nobody's": {ann, krb5.Transited{}.With("X.EXAMPLE"), krb5.ErrPathNotAccepted},
		"nobody":           {"WELLKNOWN/ANONYMOUS@C.EXAMPLE", krb5.Transited{Type: 1}, krb5.ErrPolicy},
		"nobody's realm":   {"WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS", krb5.Transited{}.With("C.EXAMPLE"), krb5.ErrPolicy},
		"unreadable":       {ann, krb5.Transited{Type: 9, Contents: []byte("x")}, krb5.ErrPathNotAccepted},
	} {
		y := forge(c.client, c.way)
		if _, e := d.tgs(y, c.client, far); e == nil || e.Code != c.code {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if y, e := d.tgs(forge("carl@C.EXAMPLE", krb5.Transited{Type: 1}), "carl@C.EXAMPLE", far); e != nil || len(w.inside(y).Transited.Contents) != 0 {
		t.Errorf("C's own user: %+v", e)
	}
}

// Who asks for a service of another realm here is sent there if it said that it follows.
func TestReferral(t *testing.T) {
	_, kdcs := realms(t)
	x := kdcs[0].logon(ann)
	there := "mobileip/ar1.d.example@HOME.EXAMPLE"
	if _, e := kdcs[0].tgs(x, ann, there); e == nil || e.Code != krb5.ErrSPrincipalUnknown {
		t.Errorf("%+v", e)
	}
	y := kdcs[0].ticket(x, ann, there, with(krb5.OptCanonicalize))
	if got := y.Ticket.Server.String(); got != "krbtgt/B.EXAMPLE@HOME.EXAMPLE" {
		t.Errorf("to %s", got)
	}
	for _, s := range []string{"mobileip/ar1.home.example@HOME.EXAMPLE", "mobileip/x.nowhere@HOME.EXAMPLE"} {
		if _, e := kdcs[0].tgs(x, ann, s, with(krb5.OptCanonicalize)); e == nil || e.Code != krb5.ErrSPrincipalUnknown {
			t.Errorf("%s: %+v", s, e)
		}
	}
	if _, e := kdcs[3].tgs(walk(t, kdcs), ann, "krbtgt/X.EXAMPLE@D.EXAMPLE"); e == nil || e.Code != krb5.ErrSPrincipalUnknown {
		t.Errorf("%+v", e)
	}
}

// A configuration that cannot work is refused with the reason.
func TestConfig(t *testing.T) {
	at := []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::88]:88")}
	for name, c := range map[string]Config{ //order:any
		"no realm":      {Listen: at},
		"no address":    {Realm: "A"},
		"no port":       {Realm: "A", Listen: []netip.AddrPort{netip.AddrPortFrom(at[0].Addr(), 0)}},
		"short life":    {Realm: "A", Listen: at, Life: 1},
		"long renewal":  {Realm: "A", Listen: at, RenewLife: 2 * MaxLife},
		"short key":     {Realm: "A", Listen: at, SignKey: []byte("x")},
		"rate":          {Realm: "A", Listen: at, Whole: -1},
		"its own":       {Realm: "A", Listen: at, Realms: []Realm{{Name: "A"}}},
		"twice":         {Realm: "A", Listen: at, Realms: []Realm{{Name: "B"}, {Name: "B"}}},
		"way and KDCs":  {Realm: "A", Listen: at, Realms: []Realm{{Name: "B", Via: "C", KDCs: at}}},
		"in a circle":   {Realm: "A", Listen: at, Realms: []Realm{{Name: "B", Via: "C"}, {Name: "C", Via: "B"}}},
		"by itself":     {Realm: "A", Listen: at, Realms: []Realm{{Name: "B", Via: "A"}}},
		"strange name":  {Realm: "A", Listen: at, Realms: []Realm{{Name: "B@C"}}},
		"KDC at port 0": {Realm: "A", Listen: at, Realms: []Realm{{Name: "B", KDCs: []netip.AddrPort{{}}}}},
	} {
		if _, err := New(c, [32]byte{}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
