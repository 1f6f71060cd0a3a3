package subscriber

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"roam6/store/subscriber/profile"
)

var (
	home   = netip.MustParseAddr("2001:db8:a::5")
	agent1 = netip.MustParseAddr("2001:db8:a::1")
	agent2 = netip.MustParseAddr("2001:db8:a::2")
)

// suite is what every database has to pass.
var suite = []struct {
	name string
	test func(t *testing.T, d *DB)
}{
	{"lookup", testLookup},
	{"names", testNames},
	{"change", testChange},
	{"remove", testRemove},
	{"refuse", testRefuse},
	{"pages", testPages},
	{"load", testLoad},
	{"files", testFiles},
	{"concurrent", testConcurrent},
	{"accounting", testAccounting},
	{"records of others", testRecordsOfOthers},
	{"batch", testBatch},
	{"ask", testAsk},
	{"sealed", testSealed},
	{"keyfile", testKeyFile},
	{"services", testServices},
	{"subscriber principal", testSubscriberPrincipal},
	{"principal pages", testPrincipalPages},
	{"ask principal", testAskPrincipal},
	{"sealed principal", testSealedPrincipal},
	{"older schema", testOlderSchema},
}

func TestSQLite(t *testing.T) {
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) {
			path := t.TempDir() + "/subscribers ?#%.db" // characters that URLs take for their own
			s.test(t, make1(t, path, ""))
		})
	}
}

func TestPostgres(t *testing.T) {
	c := postgres(t)
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) { s.test(t, make1(t, c.create(t), t.TempDir()+"/key")) })
	}
}

func make1(t testing.TB, where, keyFile string) *DB {
	t.Helper()
	d, err := Create(where, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func add(t testing.TB, d *DB, nai string) *profile.Profile {
	t.Helper()
	p := profile.Fresh()
	p.NAI = nai
	if err := d.Add(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

func whole() *profile.Profile {
	return &profile.Profile{
		NAI: "ann@home.example", HomeAddress: home, Key: bytes.Repeat([]byte{7}, 32), HomeAgents: []netip.Addr{agent1, agent2}, HomeAgent: agent2,
		AddressFrom: profile.FromMobile, VisitedHomeAgent: true, EAPIdentity: "ann", MaxSessions: 2, SessionTime: time.Hour, Enabled: true,
	}
}

func testLookup(t *testing.T, d *DB) {
	p := whole()
	if err := d.Add(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann@home.example", "ann@HOME.Example", "2001:db8:a::5", "2001:DB8:A:0::5"} {
		got, err := d.Lookup(t.Context(), name)
		if err != nil || !bytes.Equal(profile.Encode(&got.Profile), profile.Encode(p)) {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		if age := time.Since(got.Created); age < -time.Second || age > time.Minute || !got.Created.Equal(got.Changed) {
			t.Errorf("created %v, changed %v", got.Created, got.Changed)
		}
	}
	for _, name := range []string{"Ann@home.example", "ann@other.example", "2001:db8:a::6"} {
		if _, err := d.Lookup(t.Context(), name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One who has no NAI is known by the home address.
func testNames(t *testing.T, d *DB) {
	p := profile.Fresh()
	p.HomeAddress = home
	if err := d.Add(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if len(p.Key) != profile.NewKey {
		t.Errorf("a new key of %d octets", len(p.Key))
	}
	got, err := d.Lookup(t.Context(), home.String())
	if err != nil || got.NAI != "" || got.Name() != home.String() || !bytes.Equal(got.Key, p.Key) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := d.Add(t.Context(), whole()); !errors.Is(err, ErrExists) {
		t.Errorf("another one with its home address: %v", err)
	}
	add(t, d, "élan@café.example")
	if _, err := d.Lookup(t.Context(), "e\u0301lan@CAFE\u0301.example"); err != nil {
		t.Errorf("decomposed: %v", err)
	}
}

func testChange(t *testing.T, d *DB) {
	p := add(t, d, "ann@home.example")
	err := d.Change(t.Context(), "ann@home.example", func(s *profile.Profile) error {
		s.Enabled, s.HomeAddress = false, home
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Lookup(t.Context(), "ann@home.example")
	if err != nil || got.Enabled || got.HomeAddress != home || !bytes.Equal(got.Key, p.Key) || got.Revision <= p.Revision {
		t.Errorf("%+v, %v", got, err)
	}
	now, err := d.Revision(t.Context())
	if err != nil || now != got.Revision {
		t.Errorf("revision %d, %v; want %d", now, err, got.Revision)
	}
	for _, c := range []struct {
		what string
		f    func(*profile.Profile) error
	}{
		{"renamed", func(s *profile.Profile) error { s.NAI = "bob@home.example"; return nil }},
		{"wrong", func(s *profile.Profile) error { s.MaxSessions = -1; return nil }},
		{"given up", func(s *profile.Profile) error { s.MaxSessions = 9; return errors.New("no") }},
	} {
		if err := d.Change(t.Context(), "ann@home.example", c.f); err == nil {
			t.Errorf("%s: no error", c.what)
		}
	}
	after, err := d.Lookup(t.Context(), "ann@home.example")
	if err != nil || !bytes.Equal(profile.Encode(&after.Profile), profile.Encode(&got.Profile)) {
		t.Errorf("a refused change left %+v, %v", after, err)
	}
	if err := d.Change(t.Context(), "bob@home.example", func(*profile.Profile) error { return nil }); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody's change: %v", err)
	}
}

func testRemove(t *testing.T, d *DB) {
	add(t, d, "ann@home.example")
	was, _ := d.Revision(t.Context())
	if err := d.Remove(t.Context(), "ann@HOME.example"); err != nil {
		t.Fatal(err)
	}
	if now, err := d.Revision(t.Context()); err != nil || now <= was {
		t.Errorf("a removal leaves revision %d, %v", now, err)
	}
	if err := d.Remove(t.Context(), "ann@home.example"); !errors.Is(err, ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	if n, err := d.Count(t.Context()); n != 0 || err != nil {
		t.Errorf("%d left, %v", n, err)
	}
}

func testRefuse(t *testing.T, d *DB) {
	add(t, d, "ann@home.example")
	was, _ := d.Revision(t.Context())
	p := profile.Fresh()
	p.NAI = "ann@home.example"
	if err := d.Add(t.Context(), p); !errors.Is(err, ErrExists) {
		t.Errorf("twice: %v", err)
	}
	for _, nai := range []string{"ann", "ann@", "@home.example", "ann@home.example'; DROP TABLE subscriber; --"} {
		if _, err := d.Lookup(t.Context(), nai); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", nai, err)
		}
		p.NAI = nai
		if err := d.Add(t.Context(), p); err == nil {
			t.Errorf("%q was added", nai)
		}
	}
	if now, err := d.Revision(t.Context()); err != nil || now != was {
		t.Errorf("what was refused made revision %d of %d, %v", now, was, err)
	}
}

func testPages(t *testing.T, d *DB) {
	var want []string
	for i := range 7 {
		for _, realm := range []string{"a.example", "b.example"} {
			name := fmt.Sprintf("u%d@%s", i, realm)
			add(t, d, name)
			want = append(want, name)
		}
	}
	for _, odd := range []string{"Z@a.example", "a.b@a.example", "a-b@a.example", "~@b.example"} { // a locale would sort them otherwise
		add(t, d, odd)
		want = append(want, odd)
	}
	slices.Sort(want)
	for _, realm := range []string{"", "B.example"} {
		var have []string
		page := Page{Realm: realm, Limit: 3}
		for {
			list, err := d.List(t.Context(), page)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range list {
				if len(s.Key) > 0 {
					t.Errorf("the list has the key of %s", s.Name())
				}
				have = append(have, s.Name())
			}
			if len(list) < page.Limit {
				break
			}
			page.After = have[len(have)-1]
		}
		wanted := slices.DeleteFunc(slices.Clone(want), func(s string) bool { return !strings.HasSuffix(s, strings.ToLower(realm)) })
		if !slices.Equal(have, wanted) {
			t.Errorf("realm %q: %v, want %v", realm, have, wanted)
		}
	}
}

func testLoad(t *testing.T, d *DB) {
	kept := add(t, d, "u1@home.example")
	was, err := d.Lookup(t.Context(), "u1@home.example")
	if err != nil {
		t.Fatal(err)
	}
	var list []*profile.Profile
	for i := range 3 * statement / 2 {
		p := profile.Fresh()
		p.NAI, p.MaxSessions = fmt.Sprintf("u%d@home.example", i), 1
		list = append(list, p)
	}
	again := *list[5]
	again.MaxSessions = 9
	list = append(list, &again)
	made, err := d.Load(t.Context(), list)
	if err != nil || made != len(list)-2 {
		t.Fatalf("%d keys made of %d, %v", made, len(list), err)
	}
	got, err := d.Lookup(t.Context(), "u1@home.example")
	if err != nil || !bytes.Equal(got.Key, kept.Key) || got.MaxSessions != 1 || !got.Created.Equal(was.Created) {
		t.Errorf("the one that was there: %+v, %v", got, err)
	}
	if got, err := d.Lookup(t.Context(), "u5@home.example"); err != nil || got.MaxSessions != 9 {
		t.Errorf("of two with one name: %+v, %v", got, err)
	}
	clash := []*profile.Profile{profile.Fresh(), profile.Fresh()}
	clash[0].NAI, clash[0].HomeAddress = "x@home.example", home
	clash[1].NAI, clash[1].HomeAddress = "y@home.example", home
	if _, err := d.Load(t.Context(), clash); !errors.Is(err, ErrExists) {
		t.Errorf("one home address twice: %v", err)
	}
	if _, err := d.Lookup(t.Context(), "x@home.example"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a load that failed left half of it: %v", err)
	}
}

func testFiles(t *testing.T, d *DB) {
	add(t, d, "bob@home.example")
	if err := d.Add(t.Context(), whole()); err != nil {
		t.Fatal(err)
	}
	for _, format := range profile.Formats {
		out, quiet := new(bytes.Buffer), new(bytes.Buffer)
		if n, err := d.Export(t.Context(), out, format, Page{Keys: true}, func(int) {}); n != 2 || err != nil {
			t.Fatalf("%s: %d, %v", format, n, err)
		}
		if _, err := d.Export(t.Context(), quiet, format, Page{}, func(int) {}); err != nil || strings.Contains(quiet.String(), "0707") || strings.Contains(quiet.String(), "BwcH") {
			t.Errorf("%s without keys: %v\n%s", format, err, quiet)
		}
		if err := d.Remove(t.Context(), "bob@home.example"); err != nil {
			t.Fatal(err)
		}
		done, err := d.Import(t.Context(), bytes.NewReader(out.Bytes()), format, func(Loaded) {})
		if err != nil || done != (Loaded{Read: 2}) {
			t.Fatalf("%s: %+v, %v\n%s", format, done, err, out)
		}
		after := new(bytes.Buffer)
		if _, err := d.Export(t.Context(), after, format, Page{Keys: true}, func(int) {}); err != nil || after.String() != out.String() {
			t.Errorf("%s: %v\n%s\nagain:\n%s", format, err, out, after)
		}
	}
	_, err := d.Import(t.Context(), strings.NewReader("nai,enabled\ncarl@home.example,yes\n"), profile.CSV, func(Loaded) {})
	if line := new(LineError); !errors.As(err, &line) || line.Line != 2 {
		t.Errorf("a mistake in line 2: %v", err)
	}
}

func testConcurrent(t *testing.T, d *DB) {
	const workers, each = 8, 10
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				p := profile.Fresh()
				p.NAI = fmt.Sprintf("u%d.%d@home.example", w, i)
				if err := d.Add(t.Context(), p); err != nil {
					t.Error(err)
				}
				if _, err := d.Lookup(t.Context(), p.NAI); err != nil {
					t.Error(err)
				}
				if _, err := d.Account(t.Context(), []Record{record("s", uint32(i))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n, err := d.Count(t.Context()); n != workers*each || err != nil {
		t.Errorf("%d subscribers, %v", n, err)
	}
	if r, err := d.Revision(t.Context()); r != workers*each || err != nil {
		t.Errorf("revision %d, %v", r, err)
	}
}
