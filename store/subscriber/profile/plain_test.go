package profile

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// What Encode writes is read without encoding/json, whatever of it is there.
func TestPlainReadsWhatIsWritten(t *testing.T) {
	least := &Profile{HomeAddress: whole().HomeAddress, Key: whole().Key, AddressFrom: FromHome}
	for _, p := range []*Profile{whole(), least} {
		w, ok := plain(Encode(p))
		if !ok || !reflect.DeepEqual(w, viaJSON(t, Encode(p))) {
			t.Errorf("%s: %+v, %v", Encode(p), w, ok)
		}
	}
}

func viaJSON(t *testing.T, b []byte) (w wire) {
	t.Helper()
	if err := json.Unmarshal(b, &w); err != nil {
		t.Errorf("%q is taken, which encoding/json refuses: %v", b, err)
	}
	return w
}

// What it takes, encoding/json takes too, and reads the same of it. This is tried with every octet changed, left out and doubled.
func TestPlainIsJSON(t *testing.T) {
	taken := 0
	try := func(b []byte) {
		if w, ok := plain(b); ok {
			taken++
			if want := viaJSON(t, b); !reflect.DeepEqual(w, want) {
				t.Errorf("%q: %+v, want %+v", b, w, want)
			}
		}
	}
	for i := range golden {
		try([]byte(golden[:i]))
		try([]byte(golden[:i] + golden[i+1:]))
		try([]byte(golden[:i+1] + golden[i:]))
		for c := range 256 {
			b := []byte(golden)
			b[i] = byte(c)
			try(b)
		}
	}
	if taken < len(golden) {
		t.Errorf("only %d are taken", taken)
	}
	for _, bad := range []string{golden + " ", golden + golden, strings.Replace(golden, ":2,", ":02,", 1), strings.Replace(golden, ":2,", ":-2,", 1),
		strings.Replace(golden, ":9}", ":9999999999999999999}", 1), strings.Replace(golden, `"ann"`, `"a\u006en"`, 1), strings.Replace(golden, `"ann"`, `"änn"`, 1),
		strings.Replace(golden, ":9}", ":}", 1), strings.Replace(golden, ":2,", ":4294967298,", 1), `{` + golden[strings.Index(golden, `"address_from"`)-1:]} {
		if w, ok := plain([]byte(bad)); ok {
			t.Errorf("%s: %+v", bad, w)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte(golden))
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, ok := plain(b); ok && !reflect.DeepEqual(w, viaJSON(t, b)) {
			t.Errorf("%q: %+v", b, w)
		}
	})
}

// A profile is read for each registration: what is kept of it is allocated, and no more.
func TestDecodeAllocates(t *testing.T) {
	p := whole()
	p.HomeAgents = nil
	text := bytes.Clone(Encode(p))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Decode(text); err != nil {
			t.Fatal(err)
		}
	}); n > 8 {
		t.Errorf("%v allocations; want at most 8", n)
	}
}
