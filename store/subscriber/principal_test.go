package subscriber

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
)

const arName, tgsName = "mobileip/ar1.home.example@HOME.EXAMPLE", "krbtgt/HOME.EXAMPLE@HOME.EXAMPLE"

func addService(t testing.TB, d *DB, name string) *principal.Principal {
	t.Helper()
	p, err := principal.Fresh(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.AddPrincipal(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

func testServices(t *testing.T, d *DB) {
	p := addService(t, d, arName)
	if len(p.Keys) != 4 || p.Newest() != 1 {
		t.Errorf("%d new keys", len(p.Keys))
	}
	got, err := d.LookupPrincipal(t.Context(), arName)
	if err != nil || !bytes.Equal(principal.Encode(&got.Principal), principal.Encode(p)) {
		t.Fatalf("%+v, %v", got, err)
	}
	if age := time.Since(got.Created); age < -time.Second || age > time.Minute || !got.Created.Equal(got.Changed) {
		t.Errorf("created %v, changed %v", got.Created, got.Changed)
	}
	if err := d.AddPrincipal(t.Context(), p); !errors.Is(err, ErrPrincipal) {
		t.Errorf("twice: %v", err)
	}
	err = d.ChangePrincipal(t.Context(), arName, func(p *principal.Principal) error {
		p.Add(DrawKeys(p.Newest()+1, nil)...)
		p.MaxLife, p.Attributes, p.Enabled = time.Hour, []byte{0, 0, 0, 1, 0x40, 0, 0, 8}, false
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	after, err := d.LookupPrincipal(t.Context(), arName)
	if err != nil || len(after.Keys) != 8 || after.Newest() != 2 || after.Enabled || after.MaxLife != time.Hour || after.Revision <= got.Revision || len(after.Attributes) != 8 {
		t.Fatalf("%+v, %v", after, err)
	}
	if k, _ := after.Key(keys.AES256SHA384, 1); !bytes.Equal(k.Octets, p.Keys[0].Octets) {
		t.Error("version 1 is another key now")
	}
	for _, f := range []func(*principal.Principal) error{
		func(p *principal.Principal) error { p.Name = tgsName; return nil },
		func(p *principal.Principal) error { p.MaxLife = -1; return nil },
		func(p *principal.Principal) error { p.MaxLife = 0; return errors.New("no") },
	} {
		if err := d.ChangePrincipal(t.Context(), arName, f); err == nil {
			t.Error("a wrong change")
		}
	}
	if again, err := d.LookupPrincipal(t.Context(), arName); err != nil || !bytes.Equal(principal.Encode(&again.Principal), principal.Encode(&after.Principal)) {
		t.Errorf("a refused change left %+v, %v", again, err)
	}
	if err := d.RemovePrincipal(t.Context(), arName); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		d.RemovePrincipal(t.Context(), arName),
		d.ChangePrincipal(t.Context(), arName, func(*principal.Principal) error { return nil }),
		func() error { _, err := d.LookupPrincipal(t.Context(), arName); return err }(),
	} {
		if !errors.Is(err, ErrNoPrincipal) {
			t.Errorf("of one that is gone: %v", err)
		}
	}
}

// A subscriber is a principal as long as it is there, with a password or without.
func testSubscriberPrincipal(t *testing.T, d *DB) {
	s := whole()
	if err := d.Add(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	look := func() *Principal {
		t.Helper()
		p, err := d.LookupPrincipal(t.Context(), "ann@HOME.EXAMPLE")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	derived, _ := keys.SubscriberKey(keys.AES256SHA1, s.Key, "ann@HOME.EXAMPLE")
	if p := look(); p.Kind != principal.Subscriber || !p.Enabled || len(p.Keys) != 4 || p.Created.IsZero() || p.Revision != s.Revision {
		t.Errorf("%+v", p)
	} else if k, ok := p.Key(keys.AES256SHA1, 0); !ok || !bytes.Equal(k.Octets, derived.Octets()) {
		t.Error("another key")
	}
	for _, name := range []string{"ann@home.example", "Ann@HOME.EXAMPLE", "ann/admin@HOME.EXAMPLE", "bob@HOME.EXAMPLE", "ann@HOME"} {
		if _, err := d.LookupPrincipal(t.Context(), name); !errors.Is(err, ErrNoPrincipal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i, pw := range []string{"correct horse", "battery staple"} {
		if err := d.SetPassword(t.Context(), "ann@home.example", pw); err != nil {
			t.Fatal(err)
		}
		p := look()
		want, _ := keys.StringToKey(keys.AES256SHA384, pw, "HOME.EXAMPLEann", p.Keys[0].Params)
		if len(p.Keys) != 8 || p.Newest() != uint32(i)+2 || !bytes.Equal(p.Keys[0].Octets, want.Octets()) || p.Revision <= s.Revision {
			t.Errorf("%s: %+v", pw, p)
		}
		if k, ok := p.Key(keys.AES256SHA1, principal.DerivedVersion); !ok || !bytes.Equal(k.Octets, derived.Octets()) {
			t.Error("the mobile node's key is gone")
		}
	}
	if err := d.SetPassword(t.Context(), "ann@home.example", "short"); err == nil || len(look().Keys) != 8 {
		t.Errorf("a short password: %v", err)
	}
	if err := d.ChangePrincipal(t.Context(), "ann@HOME.EXAMPLE", func(p *principal.Principal) error {
		if len(p.Keys) != 4 {
			t.Errorf("%d keys", len(p.Keys))
		}
		p.Flags &^= principal.Renewable
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.SetPassword(t.Context(), home.String(), ""); err != nil {
		t.Fatal(err)
	}
	if p := look(); len(p.Keys) != 4 || p.Flags.Has(principal.Renewable) {
		t.Errorf("without a password: %+v", p)
	}
	testSubscriberGoes(t, d, look)
}

func testSubscriberGoes(t *testing.T, d *DB, look func() *Principal) {
	if err := d.ChangePrincipal(t.Context(), "ann@HOME.EXAMPLE", func(p *principal.Principal) error { p.Enabled = false; return nil }); err != nil || look().Enabled {
		t.Errorf("disabled for Kerberos alone: %v", err)
	}
	if s, err := d.Lookup(t.Context(), "ann@home.example"); err != nil || !s.Enabled {
		t.Errorf("the subscriber is disabled with it: %v", err)
	}
	if list, err := d.ListPrincipals(t.Context(), Page{Limit: 9}); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if err := d.SetPassword(t.Context(), "ann@home.example", "correct horse"); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(t.Context(), home.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.LookupPrincipal(t.Context(), "ann@HOME.EXAMPLE"); !errors.Is(err, ErrNoPrincipal) {
		t.Errorf("a subscriber who is gone: %v", err)
	}
	add(t, d, "ann@home.example") // another person
	if p := look(); len(p.Keys) != 4 || !p.Enabled || p.Keys[0].Password() {
		t.Errorf("the name's next owner: %+v", p)
	}
	nameless := whole()
	nameless.NAI = ""
	if err := d.Add(t.Context(), nameless); err != nil {
		t.Fatal(err)
	}
	if err := d.SetPassword(t.Context(), home.String(), "correct horse"); err == nil || !strings.Contains(err.Error(), "no NAI") {
		t.Errorf("one without an NAI: %v", err)
	}
	fresh, _ := principal.Fresh("carl@HOME.EXAMPLE")
	if err := d.AddPrincipal(t.Context(), fresh); err == nil || !strings.Contains(err.Error(), "roam6 subscriber add") {
		t.Errorf("a service with a subscriber's name: %v", err)
	}
}

func testPrincipalPages(t *testing.T, d *DB) {
	var list []*principal.Principal
	for i := range 7 {
		for _, realm := range []string{"A.EXAMPLE", "B.EXAMPLE"} {
			p, _ := principal.Fresh(fmt.Sprintf("host/%d@%s", i, realm))
			p.Add(DrawKeys(3, []keys.EType{keys.AES128SHA1})...)
			list = append(list, p)
		}
	}
	addService(t, d, "host/0@A.EXAMPLE")
	for _, want := range []int{len(list) - 1, 0} {
		if made, err := d.LoadPrincipals(t.Context(), list); made != want || err != nil {
			t.Fatalf("%d made, %v; want %d", made, err, want)
		}
	}
	if p, err := d.LookupPrincipal(t.Context(), "host/0@A.EXAMPLE"); err != nil || len(p.Keys) != 5 {
		t.Errorf("what was there: %+v, %v", p, err)
	}
	for realm, want := range map[string]int{"": 14, "A.EXAMPLE": 7, "a.example": 0} {
		page, n := Page{Realm: realm, Limit: 3}, 0
		for {
			list, err := d.ListPrincipals(t.Context(), page)
			if err != nil {
				t.Fatal(err)
			}
			if n += len(list); len(list) < page.Limit {
				break
			}
			page.After = list[len(list)-1].Name
		}
		if n != want {
			t.Errorf("realm %q: %d", realm, n)
		}
	}
	was, _ := d.Revision(t.Context())
	bad, _ := principal.Fresh("host/x@A.EXAMPLE")
	if _, err := d.LoadPrincipals(t.Context(), append(list, bad)); err == nil {
		t.Error("a service without keys was loaded")
	}
	if now, err := d.Revision(t.Context()); now != was || err != nil {
		t.Errorf("a refused load made revision %d of %d, %v", now, was, err)
	}
}

func testAskPrincipal(t *testing.T, d *DB) {
	add(t, d, "ann@home.example")
	addService(t, d, tgsName)
	for name, want := range map[string]bool{"ann@HOME.EXAMPLE": true, tgsName: true, "bob@HOME.EXAMPLE": false, "krbtgt/X@HOME.EXAMPLE": false, "no principal": false, "": false} {
		b, found, err := d.Ask(t.Context(), TablePrincipal, name, nil)
		if found != want || err != nil {
			t.Errorf("%q: %v, %v", name, found, err)
		}
		if p, err := principal.Decode(b); want && (err != nil || p.Name != name || len(p.Keys) != 4) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if _, _, err := d.Ask(t.Context(), TablePrincipal, tgsName, []byte("x")); err == nil {
		t.Error("the table was written")
	}
}

// Neither file nor row tells a key, and keys that somebody moved to another principal do not open.
func testSealedPrincipal(t *testing.T, d *DB) {
	p := addService(t, d, arName)
	addService(t, d, tgsName)
	var secret []byte
	if err := d.pools.write.QueryRow(d.text("SELECT secret FROM principal WHERE name = ?"), arName).Scan(&secret); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{p.Keys[0].Octets[:8], principal.EncodeKeys(p.Keys[:1])[20:40]} {
		if bytes.Contains(secret, b) {
			t.Error("the row has the key")
		}
		for _, name := range []string{d.path, d.path + "-wal"} {
			if f, err := os.ReadFile(name); err == nil && bytes.Contains(f, b) {
				t.Errorf("%s has the key", name)
			}
		}
	}
	if _, err := d.pools.write.Exec(d.text("UPDATE principal SET secret = ? WHERE name = ?"), secret, tgsName); err != nil {
		t.Fatal(err)
	}
	if _, err := d.LookupPrincipal(t.Context(), tgsName); err == nil || !strings.Contains(err.Error(), "does not open") {
		t.Errorf("krbtgt with a router's key: %v", err)
	}
	for _, set := range []string{"flags = 'moon'", "flags = '', kind = 'moon'", "kind = 'service', max_life_s = -1"} {
		if _, err := d.pools.write.Exec(d.text("UPDATE principal SET "+set+" WHERE name = ?"), arName); err != nil {
			t.Fatal(err)
		}
		if _, err := d.LookupPrincipal(t.Context(), arName); err == nil || !strings.Contains(err.Error(), "altered") {
			t.Errorf("%s: %v", set, err)
		}
	}
}

// A database of the version before has subscribers and no principals; it is brought up to date.
func testOlderSchema(t *testing.T, d *DB) {
	add(t, d, "ann@home.example")
	for _, q := range []string{"DROP TABLE principal", "DELETE FROM goose_db_version WHERE version_id = 2"} {
		if _, err := d.pools.write.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	where := d.path
	if where == "" {
		where = d.dsn
	}
	if l, err := Look(t.Context(), where, d.keyFile); err != nil || l.Schema != 1 || l.Knows != 2 {
		t.Errorf("%+v, %v", l, err)
	}
	again, err := Open(where, d.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	addService(t, again, tgsName)
	if _, err := again.LookupPrincipal(t.Context(), "ann@HOME.EXAMPLE"); err != nil {
		t.Error(err)
	}
}
