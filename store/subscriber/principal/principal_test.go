package principal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	keys "roam6/keying/krb5"
	"roam6/store/subscriber/profile"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 5, time.UTC)

const seven = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=" // 32 octets

// golden is the form that docs/kerberos.md describes.
const golden = `{"name":"host/ar1.home.example@HOME.EXAMPLE","kind":"service","enabled":true,"keys":[` +
	`{"kvno":2,"etype":20,"key":"` + seven + `","salt":"HOME.EXAMPLEhostar1.home.example","s2kparams":"AAEAAA==","made":1795348800},` +
	`{"kvno":2,"etype":17,"key":"BwcHBwcHBwcHBwcHBwcHBw=="},{"kvno":1,"etype":18,"key":"` + seven + `"}],` +
	`"flags":["client","server","preauth"],"max_life_s":36000,"max_renew_s":604800,"attributes":"AAAAAUAAAAthbm4A","revision":9}`

func whole() *Principal {
	o := bytes.Repeat([]byte{7}, 32)
	return &Principal{Name: "host/ar1.home.example@HOME.EXAMPLE", Kind: Service, Enabled: true, Flags: Client | Server | PreAuth,
		Keys: []Key{
			{2, keys.AES256SHA384, o, "HOME.EXAMPLEhostar1.home.example", []byte{0, 1, 0, 0}, noon.Truncate(time.Second)},
			{Version: 2, EType: keys.AES128SHA1, Octets: o[:16]}, {Version: 1, EType: keys.AES256SHA1, Octets: o},
		},
		MaxLife: 10 * time.Hour, MaxRenew: 7 * 24 * time.Hour, Attributes: []byte{0, 0, 0, 1, 0x40, 0, 0, 11, 'a', 'n', 'n', 0}, Revision: 9}
}

func TestEncode(t *testing.T) {
	if got := string(Encode(whole())); got != golden {
		t.Errorf("%s\nwant %s", got, golden)
	}
	p, err := Decode([]byte(strings.Replace(strings.Replace(golden, "{", `{"of_a_newer_store":[1],`, 1), `"preauth"`, `"preauth","moon"`, 1)))
	if err != nil || string(Encode(p)) != golden {
		t.Errorf("%+v, %v", p, err)
	}
	for n := range golden {
		if p, err := Decode([]byte(golden[:n])); err == nil {
			t.Errorf("cut at %d: %+v", n, p)
		}
	}
	again, err := DecodeKeys(EncodeKeys(p.Keys))
	if err != nil || !bytes.Equal(EncodeKeys(again), EncodeKeys(p.Keys)) {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`host/ar1.home.example@`, ``, "no realm"},
		{`host/`, `host//`, "empty"},
		{`host/ar1`, `host/a r1`, "spaces"},
		{`host/`, `\\host/`, "one form"},
		{`host/ar1.home`, strings.Repeat("x", MaxName), "255"},
		{`"service"`, `"subscriber"`, "two or more"},
		{`"service"`, `"moon"`, "kind"},
		{`"kvno":1`, `"kvno":0`, "kvno 0"},
		{`"kvno":1`, `"kvno":2147483648`, "kvno"},
		{`"kvno":1`, `"kvno":3`, "out of order"},
		{`"etype":17`, `"etype":20`, "20, which has"},
		{`"etype":17`, `"etype":23`, "etype 23"},
		{`"kvno":1,"etype":18`, `"kvno":2,"etype":17`, "17, which has"},
		{`"AAEAAA=="`, `"AAEA"`, "s2kparams"},
		{`HOME.EXAMPLEhostar1`, strings.Repeat("x", MaxSalt), "salt"},
		{`"made":1795348800`, `"made":-1`, "made"},
		{`36000`, `-1`, "max_life_s -1"},
		{`604800`, `9223372036854775807`, "max_renew_s"},
		{`"AAAAAUAAAAthbm4A"`, `"AAAAAUAAAAxhbm4="`, "attributes"},
		{`"AAAAAUAAAAthbm4A"`, `"` + strings.Repeat("AAAA", MaxAttributes/3+1) + `"`, "attributes of"},
		{`,"revision"`, strings.Repeat(" ", MaxEncoded) + `,"revision"`, "octets"},
	} {
		text := strings.Replace(golden, c.from, c.to, 1)
		if text == golden {
			t.Errorf("%s is not in the golden", c.from)
		}
		if c.want == "20, which has" || c.want == "17, which has" { // what a wrong type says of the length
			c.want = "which has"
		}
		if _, err := Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "BwcH") {
			t.Errorf("%.80s for %s: %v", c.to, c.from, err)
		}
	}
	many := whole()
	many.Keys = nil
	for v := range uint32(MaxKeys + 1) {
		many.Keys = append(many.Keys, Key{Version: 100 - v, EType: keys.AES128SHA1, Octets: make([]byte, 16)})
	}
	if err := many.Check(); err == nil {
		t.Errorf("%d keys", len(many.Keys))
	}
}

func TestFresh(t *testing.T) {
	for name, want := range map[string]string{
		"ann@HOME.EXAMPLE":                       "subscriber client,user-to-user,forwardable,proxiable,renewable,preauth",
		"krbtgt/HOME.EXAMPLE@HOME.EXAMPLE":       "service server,forwardable,proxiable,renewable",
		"mobileip/ar1.home.example@HOME.EXAMPLE": "service client,server,user-to-user,forwardable,proxiable,renewable,preauth",
	} {
		p, err := Fresh(name)
		if err != nil || p.Check() != nil || fmt.Sprint(p.Kind, " ", p.Flags) != want || !p.Enabled {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if f, err := ParseFlags(p.Flags.String()); err != nil || f != p.Flags {
			t.Errorf("%v: %v, %v", p.Flags, f, err)
		}
	}
	if _, err := ParseFlags("client,moon"); err == nil || !strings.Contains(err.Error(), "allowed are client") {
		t.Error(err)
	}
	if f, err := ParseFlags(""); f != 0 || err != nil {
		t.Error(f, err)
	}
}

// Versions come and go: those that are there, those that a moment leaves.
func TestVersions(t *testing.T) {
	p, _ := Fresh("host/a@R")
	draw := func(b []byte) { clear(b) }
	for v := range uint32(6) {
		p.Add(Drawn(v+1, []keys.EType{18, 20}, noon.Add(time.Duration(v)*time.Hour), draw)...)
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
	}
	versions := func() string {
		var out []string
		for _, k := range p.Keys {
			out = append(out, fmt.Sprint(k.Version, "/", int(k.EType)))
		}
		return strings.Join(out, " ")
	}
	if got := versions(); got != "6/20 6/18 5/20 5/18 4/20 4/18 3/20 3/18" {
		t.Errorf("after six: %s", got)
	}
	p.Prune(noon.Add(4*time.Hour - time.Second)) // when 5 was made; 4 was replaced a second later
	if got := versions(); got != "6/20 6/18 5/20 5/18 4/20 4/18" {
		t.Errorf("pruned: %s", got)
	}
	p.Prune(noon.Add(100 * time.Hour))
	if got := versions(); got != "6/20 6/18" || p.Newest() != 6 {
		t.Errorf("pruned to the last: %s", got)
	}
	p.Add(Key{Version: 7, EType: 17, Octets: make([]byte, 16)})
	p.Add(Key{Version: 7, EType: 17, Octets: bytes.Repeat([]byte{1}, 16)}, Key{Version: 8, EType: 19, Octets: make([]byte, 16)})
	if k, ok := p.Key(17, 0); !ok || k.Octets[0] != 1 {
		t.Error("a key of the same version and type is not replaced")
	}
	if _, ok := p.Key(17, 6); ok {
		t.Error("version 6 has no such key")
	}
	if k, ok := p.Best(); !ok || k.Version != 8 {
		t.Error(k.Version)
	}
	p.Prune(noon) // nobody knows when 8 was made, nor 7
	if got := versions(); got != "8/19" {
		t.Errorf("replaced at a time that nobody knows: %s", got)
	}
}

func TestOfSubscriber(t *testing.T) {
	s := profile.Fresh()
	s.NAI, s.Key, s.Revision = "ann@home.example", bytes.Repeat([]byte{7}, 32), 5
	p, err := OfSubscriber(s)
	if err != nil || p.Check() != nil || p.Name != "ann@HOME.EXAMPLE" || len(p.Keys) != 4 || p.Revision != 5 || !p.Enabled {
		t.Fatalf("%+v, %v", p, err)
	}
	want, _ := keys.SubscriberKey(18, s.Key, p.Name)
	if k, ok := p.Key(18, DerivedVersion); !ok || !bytes.Equal(k.Octets, want.Octets()) || k.Password() {
		t.Error("another key")
	}
	if nai, ok := NAI(p.Name); nai != s.NAI || !ok {
		t.Error(nai)
	}
	s.NAI = ""
	if _, err := OfSubscriber(s); err == nil {
		t.Error("one without an NAI")
	}
}

// MIT Kerberos makes the same keys: those of wire/krb5/testdata/mit.txt have these salts and are read there.
func TestFromPassword(t *testing.T) {
	list, err := FromPassword("ann@HOME.EXAMPLE", 3, "correct horse", 0, keys.ETypes(), noon)
	if err != nil || len(list) != 4 {
		t.Fatal(err)
	}
	more, err := FromPassword("ann@HOME.EXAMPLE", 3, "correct horse", 5000, keys.ETypes(), noon)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := Fresh("ann@HOME.EXAMPLE")
	p.Add(list...)
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	for i, k := range list {
		want, _ := keys.StringToKey(k.EType, "correct horse", "HOME.EXAMPLEann", nil)
		if !bytes.Equal(k.Octets, want.Octets()) || k.Salt != "HOME.EXAMPLEann" || k.Params != nil || !k.Password() || bytes.Equal(more[i].Octets, k.Octets) {
			t.Errorf("%v", k.EType)
		}
	}
	for _, bad := range []string{"", "short", "with\nline end", "\xff\xff\xff\xff\xff\xff\xff\xff", strings.Repeat("x", MaxPassword+1)} {
		if _, err := FromPassword("ann@HOME.EXAMPLE", 3, bad, 0, keys.ETypes(), noon); err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestNothingPrints(t *testing.T) {
	p := whole()
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%d"} {
		for _, v := range []any{p, *p, p.Keys, p.Keys[0], p.Keys[0].Octets} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, "0707") || strings.Contains(s, "7 7") || strings.Contains(s, `\a\a`) || strings.Contains(s, "0x7, 0x7") {
				t.Errorf("%s: %s", verb, s)
			}
		}
	}
	if b, err := json.Marshal(p); err != nil || strings.Contains(string(b), "BwcH") {
		t.Errorf("%s, %v", b, err)
	}
}

func TestKeytab(t *testing.T) {
	p := whole()
	list := p.Keytab()
	p2, _ := OfSubscriber(&profile.Profile{NAI: "ann@home.example", Key: make([]byte, 32)})
	list = append(list, p2.Keytab()...)
	old := list[0]
	old.Key.EType = 23
	services, passed, err := FromKeytab(append(list, old))
	if err != nil || len(services) != 1 || passed != 5 {
		t.Fatal(services, passed, err)
	}
	for i, k := range services[0].Keys {
		if o := p.Keys[i]; k.Version != o.Version || k.EType != o.EType || !bytes.Equal(k.Octets, o.Octets) || !k.Made.Equal(o.Made) {
			t.Errorf("%d: %+v", i, k)
		}
	}
	for _, spoil := range []func(){func() { list[0].KVNO = 0 }, func() { list[0].Key.Value = list[0].Key.Value[:3] }, func() { list[0].Principal.Realm = "a b" }} {
		list = p.Keytab()
		spoil()
		if _, _, err := FromKeytab(list); err == nil {
			t.Error("a wrong entry is taken")
		}
	}
}

func TestETypesOf(t *testing.T) {
	got, err := ETypesOf("17, aes256-cts-hmac-sha384-192,18,17")
	if err != nil || fmt.Sprint(len(got), got[0], got[2]) != "3 aes256-cts-hmac-sha384-192 aes128-cts-hmac-sha1-96" {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "23", "rc4"} {
		if _, err := ETypesOf(bad); err == nil || !strings.Contains(err.Error(), "17 to 20") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestDirectory(t *testing.T) {
	d, err := NewDirectory([]byte(`{"nai":"ann@home.example","key":"`+seven+`"}`+"\n"+`{"home_address":"2001:db8::1","key":"`+seven+`"}`+"\n"), []byte(golden+"\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"ann@HOME.EXAMPLE": true, "host/ar1.home.example@HOME.EXAMPLE": true, "ann@home.example": false, "bob@HOME.EXAMPLE": false, "x": false} {
		value, found := d.Ask(name)
		if found != want {
			t.Errorf("%s: %v", name, found)
		}
		if p, err := Decode(value); found && (err != nil || p.Name != name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewDirectory(nil, []byte(golden+"\n{}\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
	if _, err := NewDirectory([]byte("{\"nai\":\"ann\"}\n"), nil); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(golden))
	f.Add([]byte(`{"name":"ann@HOME.EXAMPLE","kind":"subscriber"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		sameAsJSON(t, b, p, err)
		if err != nil {
			return
		}
		text := Encode(p)
		if want := encode(p); !bytes.Equal(text, want) {
			t.Errorf("%s\nwant %s", text, want)
		}
		again, err := Decode(text)
		if err != nil || !bytes.Equal(Encode(again), text) {
			t.Errorf("%s: %v", text, err)
		}
	})
}

// sameAsJSON holds what was read quickly against what package json reads.
func sameAsJSON(t *testing.T, b []byte, p *Principal, err error) {
	t.Helper()
	var w wire
	if unmarshal(b, &w) != nil {
		if err == nil {
			t.Errorf("%s is read, and is no JSON", b)
		}
		return
	}
	for _, n := range w.Flags {
		w.bits |= flagOf(n)
	}
	want, bad := taken(&w)
	if (err == nil) != (bad == nil) || err == nil && !bytes.Equal(encode(p), encode(want)) {
		t.Errorf("%s\nis read as %+v, %v\nwant       %+v, %v", b, p, err, want, bad)
	}
}

// What Encode writes is read quickly, and is what package json writes; each prefix is refused.
func TestQuickly(t *testing.T) {
	list := []*Principal{must(Decode([]byte(golden))), must(Fresh("krbtgt/A@B")), must(Fresh("ann@HOME.EXAMPLE"))}
	list[2].Add(Key{Version: 2, EType: 18, Octets: make([]byte, 32), Salt: "HOME.EXAMPLEann", Params: []byte{0, 1, 0, 0}, Made: time.Unix(1.8e9, 0).UTC()})
	for _, p := range list {
		b := Encode(p)
		if !bytes.Equal(b, encode(p)) {
			t.Errorf("%s\nwant %s", b, encode(p))
		}
		var w wire
		if !quickly(b, &w) {
			t.Errorf("%s is not read quickly", b)
		}
		got, err := Decode(b)
		sameAsJSON(t, b, got, err)
		for n := range b {
			if _, err := Decode(b[:n]); err == nil {
				t.Fatalf("%s is read", b[:n])
			}
		}
		if inside, err := DecodeKeys(EncodeKeys(p.Keys)); err != nil || len(inside) != len(p.Keys) {
			t.Errorf("%d keys, %v", len(inside), err)
		}
	}
	odd := must(Fresh("ann@HOME.EXAMPLE")) // a text that json writes in its own way
	odd.Add(Key{Version: 2, EType: 18, Octets: make([]byte, 32), Salt: "<é>"})
	if b := Encode(odd); !bytes.Equal(b, encode(odd)) {
		t.Errorf("%s", b)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
