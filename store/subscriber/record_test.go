package subscriber

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/store/subscriber/profile"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123e6, time.UTC)

func record(session string, number uint32) Record {
	return Record{Session: session, Number: number, Kind: "interim", At: noon.Add(time.Duration(number) * time.Second), Name: "ann@home.example",
		CareOf: agent1, Origin: "ar1.visited.example", Network: "visited.example", Seconds: int64(number), OctetsUp: 1000, OctetsDown: math.MaxInt64, Result: 2001}
}

func testAccounting(t *testing.T, d *DB) {
	first := []Record{record("s1", 0), record("s1", 1)}
	if stored, err := d.Account(t.Context(), first); stored != 2 || err != nil {
		t.Fatal(stored, err)
	}
	changed := record("s1", 1)
	changed.At, changed.Result = noon.Add(time.Hour), 2002 // of a client that does not say when, to a server that was started again meanwhile
	if stored, err := d.Account(t.Context(), []Record{changed, record("s1", 2)}); stored != 1 || err != nil {
		t.Errorf("a repeated record and a new one: %d stored, %v", stored, err)
	}
	bad := record("s2", 1)
	bad.Kind = "sometimes"
	if _, err := d.Account(t.Context(), []Record{record("s2", 0), bad}); err == nil {
		t.Error("a wrong record was stored")
	}
	var list []Record
	if err := d.Records(t.Context(), Span{}, func(r *Record) error { list = append(list, *r); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || list[1] != first[1] || list[2] != record("s1", 2) {
		t.Errorf("%+v", list)
	}
	var many []Record // more than a page, most of them of one moment
	for i := range recordPage/2 + 3 {
		for _, s := range []string{"a.example", "b.example"} { // a page ends between two of one session and number
			r := record("m", uint32(i/3))
			r.At, r.Name, r.Network = noon.Add(time.Hour), "bob@home.example", fmt.Sprint(i%3, s)
			many = append(many, r)
		}
	}
	for at := 0; at < len(many); at += MaxBatch {
		if _, err := d.Account(t.Context(), many[at:min(at+MaxBatch, len(many))]); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		span Span
		want int
	}{
		{Span{}, 3 + len(many)}, {Span{Name: "ann@home.example"}, 3}, {Span{Name: "bob@home.example"}, len(many)},
		{Span{From: noon.Add(time.Minute)}, len(many)}, {Span{From: noon, To: noon.Add(2 * time.Second)}, 2},
	} {
		n := 0
		if err := d.Records(t.Context(), c.span, func(*Record) error { n++; return nil }); n != c.want || err != nil {
			t.Errorf("%+v: %d, %v; want %d", c.span, n, err, c.want)
		}
	}
	out := new(bytes.Buffer)
	if n, err := d.ExportRecords(t.Context(), out, Span{To: noon.Add(time.Second)}); n != 1 || err != nil {
		t.Error(n, err)
	}
	want := strings.Join(RecordHeader, ",") + "\ns1,0,interim,2026-11-22T12:00:00.123Z,ann@home.example,,2001:db8:a::1,,ar1.visited.example,visited.example,0,1000,9223372036854775807,0,0,2001\n"
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out, want)
	}
	stop := errors.New("enough")
	if err := d.Records(t.Context(), Span{}, func(*Record) error { return stop }); err != stop {
		t.Errorf("the reader's end: %v", err)
	}
}

// A record has a place that no other network's has, and no other user's, whoever comes first; and what is stored there is acknowledged, nothing
// else.
func testRecordsOfOthers(t *testing.T, d *DB) { //spec DM-22
	honest := record("ar.visited.example;1780000000;7", 1)
	var forged []Record
	for _, with := range []func(r *Record){
		func(r *Record) { r.Network = "evil.example" },
		func(r *Record) { r.Name = "eve@home.example" },
		func(r *Record) { r.Network, r.Name = "evil.example", "" },
	} {
		r := honest
		r.OctetsUp, r.Result = 0, 2002
		with(&r)
		forged = append(forged, r)
	}
	if stored, err := d.Account(t.Context(), forged); stored != len(forged) || err != nil {
		t.Fatal(stored, err)
	}
	for _, want := range []int{1, 0} {
		if stored, err := d.Account(t.Context(), []Record{honest}); stored != want || err != nil {
			t.Errorf("%d stored, %v; want %d", stored, err, want)
		}
	}
	for _, with := range []func(r *Record){
		func(r *Record) { r.OctetsUp++ },
		func(r *Record) { r.Kind = "stop" },
		func(r *Record) { r.Origin = "ar2.visited.example" },
		func(r *Record) { r.CareOf = agent2 },
	} {
		r := honest
		with(&r)
		if stored, err := d.Account(t.Context(), []Record{record("new", 1), r}); stored != 0 || !errors.Is(err, ErrDiffers) {
			t.Errorf("%+v: %d stored, %v", r, stored, err)
		}
	}
	var list []Record
	if err := d.Records(t.Context(), Span{}, func(r *Record) error { list = append(list, *r); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(list) != len(forged)+1 || !slices.Contains(list, honest) {
		t.Errorf("%+v", list)
	}
	long := record(incompressible(MaxSession), math.MaxUint32)
	long.Name, long.Network = incompressible(profile.MaxNAI), incompressible(MaxNetwork)
	if stored, err := d.Account(t.Context(), []Record{long}); stored != 1 || err != nil {
		t.Errorf("the longest: %d stored, %v", stored, err)
	}
	put, _ := json.Marshal(list[0])
	changed := bytes.Replace(put, []byte(`"seconds":1`), []byte(`"seconds":2`), 1)
	if _, _, err := d.Ask(t.Context(), TableAccounting, "", changed); !errors.Is(err, ErrDiffers) {
		t.Errorf("asked: %v", err)
	}
}

// incompressible is text of which PostgreSQL makes no shorter.
func incompressible(octets int) string {
	b := make([]byte, octets)
	rand.Read(b)
	return hex.EncodeToString(b)[:octets]
}

func testAsk(t *testing.T, d *DB) {
	if err := d.Add(t.Context(), whole()); err != nil {
		t.Fatal(err)
	}
	b, found, err := d.Ask(t.Context(), TableSubscriber, "ann@home.example", nil)
	if p, bad := profile.Decode(b); !found || err != nil || bad != nil || p.Name() != "ann@home.example" || len(p.Key) != 32 {
		t.Errorf("%s, %v, %v, %v", b, found, err, bad)
	}
	for _, key := range []string{"bob@home.example", "no NAI", ""} {
		if b, found, err := d.Ask(t.Context(), TableSubscriber, key, nil); b != nil || found || err != nil {
			t.Errorf("%q: %s, %v, %v", key, b, found, err)
		}
	}
	r := record("s", 1)
	put, _ := json.Marshal(r)
	for range 2 {
		if _, _, err := d.Ask(t.Context(), TableAccounting, "", put); err != nil {
			t.Error(err)
		}
	}
	n := 0
	if err := d.Records(t.Context(), Span{}, func(have *Record) error {
		n++
		if *have != r {
			t.Errorf("%+v", *have)
		}
		return nil
	}); n != 1 || err != nil {
		t.Error(n, err)
	}
	for _, table := range []string{"", "meta", TableAccounting} {
		if _, _, err := d.Ask(t.Context(), table, "k", nil); err == nil {
			t.Errorf("table %q was read", table)
		}
	}
}

// Neither file nor row tells a key, and a key that somebody moved to another subscriber does not open.
func testSealed(t *testing.T, d *DB) {
	p := add(t, d, "ann@home.example")
	add(t, d, "bob@home.example")
	var secret []byte
	if err := d.pools.write.QueryRow("SELECT secret FROM subscriber WHERE name = 'ann@home.example'").Scan(&secret); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(secret, p.Key[:8]) {
		t.Error("the row has the key")
	}
	for _, name := range []string{d.path, d.path + "-wal"} {
		if b, err := os.ReadFile(name); err == nil && bytes.Contains(b, p.Key[:8]) {
			t.Errorf("%s has the key", name)
		}
		if info, err := os.Stat(name); d.path != "" && (err != nil || info.Mode().Perm() != 0o600) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if _, err := d.pools.write.Exec(d.text("UPDATE subscriber SET secret = ? WHERE name = ?"), secret, "bob@home.example"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lookup(t.Context(), "bob@home.example"); err == nil || !strings.Contains(err.Error(), "does not open") {
		t.Errorf("bob with ann's key: %v", err)
	}
}

// The key file decides: another one, a missing one and one that others can read are refused with what to do.
func testKeyFile(t *testing.T, d *DB) {
	where := d.path
	if where == "" {
		where = d.dsn
	}
	add(t, d, "ann@home.example")
	again, err := Open(where, d.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Lookup(t.Context(), "ann@home.example"); err != nil {
		t.Error(err)
	}
	again.Close()
	other := t.TempDir() + "/other"
	for _, c := range []struct {
		what, want string
		prepare    func() error
	}{
		{"missing", "is missing", func() error { return nil }},
		{"another", "is not the key file of", func() error { return os.WriteFile(other, fmt.Appendf(nil, "%064x\n", 1), 0o600) }},
		{"readable", "chmod 600", func() error { return os.Chmod(other, 0o644) }},
	} {
		if err := c.prepare(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(where, other); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestRecordOfServer: what the role of an AAA server puts is a record, each part of it. A test of role/aaa has the same octets.
func TestRecordOfServer(t *testing.T) { //spec DM-22
	const put = `{"session":"ar1;1","number":3,"kind":"start","at":"2027-01-15T08:00:00Z","name":"ann@home.example","home_address":"2001:db8:1::100",` +
		`"care_of":"2001:db8:a:1::c0a","home_agent":"2001:db8:1::1","origin":"ar1.visited.example","network":"visited.example","seconds":60,` +
		`"octets_up":1,"octets_down":2,"packets_up":3,"packets_down":4,"result":2001}`
	var r Record
	if err := json.Unmarshal([]byte(put), &r); err != nil || r.Check() != nil {
		t.Fatal(err, r.Check())
	}
	if again, err := json.Marshal(r); err != nil || string(again) != put {
		t.Errorf("\n got %s\nwant %s", again, put)
	}
}
