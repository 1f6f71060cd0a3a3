package profile

import (
	"bytes"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func whole() *Profile {
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	return &Profile{NAI: "ann@home.example", HomeAddress: netip.MustParseAddr("2001:db8::5"), Key: bytes.Repeat([]byte{7}, 32), HomeAgents: []netip.Addr{a, b},
		HomeAgent: b, AddressFrom: FromMobile, VisitedHomeAgent: true, EAPIdentity: "ann", MaxSessions: 2, SessionTime: time.Hour, Enabled: true, Revision: 9}
}

// golden is the form that docs/subscribers.md describes: roles read it without this package.
const golden = `{"nai":"ann@home.example","home_address":"2001:db8::5","key":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",` +
	`"home_agents":["2001:db8::1","2001:db8::2"],"home_agent":"2001:db8::2","address_from":"mobile","visited_home_agent":true,` +
	`"eap_identity":"ann","max_sessions":2,"session_s":3600,"enabled":true,"revision":9}`

func TestEncode(t *testing.T) {
	if got := string(Encode(whole())); got != golden {
		t.Errorf("%s\nwant %s", got, golden)
	}
	p, err := Decode([]byte(strings.Replace(golden, "{", `{"of_a_newer_store":[1],`, 1)))
	if err != nil || string(Encode(p)) != golden {
		t.Errorf("%+v, %v", p, err)
	}
	small, err := Decode([]byte(`{"home_address":"2001:db8::5","key":"BwcHBwcHBwcHBwcHBwcHBw==","address_from":"home"}`))
	if err != nil || small.Name() != "2001:db8::5" || small.Enabled {
		t.Errorf("%+v, %v", small, err)
	}
	for n := range golden {
		if p, err := Decode([]byte(golden[:n])); err == nil {
			t.Errorf("cut at %d: %+v", n, p)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`"nai":"ann@home.example","home_address":"2001:db8::5",`, ``, "neither"},
		{`ann@home`, `ann@HOME`, "canonical"},
		{`"2001:db8::5"`, `"fe80::1"`, "home_address fe80::1"},
		{`"2001:db8::5"`, `"192.0.2.1"`, "global IPv6"},
		{`"2001:db8::5"`, `"2001:db8::5%eth0"`, "global IPv6"},
		{`"home_agent":"2001:db8::2"`, `"home_agent":"2001:db8::3"`, "none of"},
		{`"2001:db8::1"`, `""`, "home_agents"},
		{`"mobile"`, `"moon"`, "address_from"},
		{`:2,`, `:-1,`, "max_sessions"},
		{`:3600`, `:-1`, "session_s"},
		{`:3600`, `:9223372036854775807`, "session_s"},
		{`"eap_identity":"ann"`, `"eap_identity":"a\u0000"`, "eap_identity"},
		{`"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="`, `"Bw=="`, "key of 1"},
		{`"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="`, `null`, "no key"},
		{`"ann"`, `"` + strings.Repeat("x", MaxEncoded) + `"`, "octets"},
	} {
		text := strings.Replace(golden, c.from, c.to, 1)
		if text == golden {
			t.Errorf("%s is not in the golden", c.from)
		}
		if _, err := Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v", c.to, c.from, err)
		}
	}
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"ann@home.example": "ann@home.example", "Ann.Lee@HOME.Example": "Ann.Lee@home.example", "a+b/c=d@x-1.example": "a+b/c=d@x-1.example",
		"e\u0301@CAFE\u0301.example": "é@café.example", "eng%nancy@example.net": "eng%nancy@example.net", "1234@5678.example": "1234@5678.example",
	} {
		got, err := Canonical(in)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
		if again, err := Canonical(got); again != got || err != nil {
			t.Errorf("%q again: %q, %v", got, again, err)
		}
	}
	for _, in := range []string{"", "ann", "@home.example", "ann@", "ann@home", "ann@.example", "ann@home..example", ".ann@home.example", "ann.@home.example",
		"a b@home.example", "ann@home.example@x.example", "ann@-home.example", "ann@home-.example", "ann@ho_me.example", "a:b@home.example", "a\"@home.example",
		"a\x00@home.example", "\xff@home.example", "a\u0085@home.example", strings.Repeat("a", MaxNAI) + "@b.c"} {
		if got, err := Canonical(in); err == nil {
			t.Errorf("%q is taken as %q", in, got)
		} else if len(err.Error()) > 500 {
			t.Errorf("an error of %d octets", len(err.Error()))
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, c := range []struct {
		format, text, want string
		line               int
	}{
		{CSV, "nai,nai\n", "each once", 1},
		{CSV, "nai,colour\n", `column "colour"`, 1},
		{CSV, "nai\na@b.c\n\n\"d\"e@b.c\n", "quote", 4},
		{CSV, "nai,key\na@b.c\n", "number of fields", 2},
		{CSV, "nai,key\na@b.c,secretsecret\n", "key: 16 to 64 octets", 2},
		{CSV, "nai,enabled\na@b.c,true\nd@b.c,7\n", "true or false", 3},
		{CSV, "nai,session_s\na@b.c,-1\n", "whole number", 2},
		{CSV, "nai,home_agents\na@b.c,2001:db8::1 x\n", "an IPv6 address", 2},
		{JSONL, "{\"nai\":\"a@b.c\"}\n\n{\"nai\":\"a@b.c\",\"colour\":1}\n", "colour", 3},
		{JSONL, `{"nai":"a@b.c"}{"nai":"d@b.c"}`, "more than one", 1},
		{JSONL, `{"nai":"` + strings.Repeat("a", MaxEncoded) + `"}`, "a line of more than", 1},
	} {
		r, err := NewReader(strings.NewReader(c.text), c.format)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		if err == io.EOF || !strings.Contains(err.Error(), c.want) || r.Line() != c.line || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s %.60q: line %d: %v", c.format, c.text, r.Line(), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(golden))
	f.Add([]byte(`{"home_address":"2001:db8::5","key":"BwcHBwcHBwcHBwcHBwcHBw==","address_from":"home"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			return
		}
		text := Encode(p)
		again, err := Decode(text)
		if err != nil || !bytes.Equal(Encode(again), text) {
			t.Errorf("%s: %v", text, err)
		}
	})
}

// What a file's reader takes, the writer gives again.
func FuzzReader(f *testing.F) {
	f.Add([]byte("nai,key,home_agents\na@b.c,000102030405060708090a0b0c0d0e0f,2001:db8::1 2001:db8::2\n"), true)
	f.Add([]byte(golden), false)
	f.Fuzz(func(t *testing.T, b []byte, table bool) {
		format := JSONL
		if table {
			format = CSV
		}
		read := func(b []byte) []*Profile {
			r, err := NewReader(bytes.NewReader(b), format)
			if err != nil {
				t.Fatal(err)
			}
			var all []*Profile
			for {
				p, err := r.Next()
				if err != nil {
					return all
				}
				all = append(all, p)
			}
		}
		write := func(all []*Profile) []byte {
			out := new(bytes.Buffer)
			w, err := NewWriter(out, format)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range all {
				if err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			return out.Bytes()
		}
		text := write(read(b))
		if again := write(read(text)); !bytes.Equal(again, text) {
			t.Errorf("%q\nagain %q", text, again)
		}
	})
}
