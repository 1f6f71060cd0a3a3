package krb5

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// FuzzParse: no octets make any reader panic, and what is read is the same when it is written anew and read again. The first octet says
// which reader.
func FuzzParse(f *testing.F) {
	all := samples()
	for i, c := range codecs {
		for _, b := range all[c.name] {
			f.Add(append([]byte{byte(i)}, b...))
		}
	}
	recorded, err := os.ReadFile("testdata/mit.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(recorded)) {
		if _, digits, _ := strings.Cut(strings.TrimSpace(line), " "); len(digits) < 1000 {
			if b, err := hex.DecodeString(digits); err == nil {
				f.Add(append([]byte{0}, b...))
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		c := codecs[int(b[0])%len(codecs)]
		in := bytes.Clone(b[1:])
		once, err := c.read(in)
		if !bytes.Equal(in, b[1:]) {
			t.Fatalf("%s changes what it reads", c.name)
		}
		if err != nil {
			if once != nil {
				t.Fatalf("%s: both %x and %v", c.name, once, err)
			}
			return
		}
		twice, err := c.read(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s: %x\nis %x\nand then %x, %v", c.name, b[1:], once, twice, err)
		}
		if l, err := ParseAuthData(in); err == nil && len(l.Flat()) > 3*MaxList {
			t.Fatalf("%d elements", len(l.Flat()))
		}
	})
}

// FuzzKeytab: the same for keytabs and frames.
func FuzzKeytab(f *testing.F) {
	b, err := AppendKeytab(nil, []KeytabEntry{{router, noon, 300, skey}, {ann, noon, 1, skey}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{5, 2, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0, 0, 0})
	f.Add(AppendFrame(nil, b))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, rest, err := NextFrame(b); m != nil && (err != nil || len(m)+len(rest)+4 != len(b)) {
			t.Fatalf("%x: %x, %x, %v", b, m, rest, err)
		}
		list, err := ParseKeytab(b)
		if err != nil {
			return
		}
		out, err := AppendKeytab(nil, list)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKeytab(out)
		if err != nil || len(again) != len(list) {
			t.Fatalf("%x is now %x: %v", b, out, err)
		}
		if twice, _ := AppendKeytab(nil, again); !bytes.Equal(out, twice) {
			t.Fatalf("%x is now %x", out, twice)
		}
	})
}

// FuzzPrincipal: what is read as a principal prints as what reads the same; and any transited field ends.
func FuzzPrincipal(f *testing.F) {
	f.Add("ann@HOME.EXAMPLE")
	f.Add(`a\/b/c@R\@S`)
	f.Add(",EDU, /COM,")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ParsePrincipal(s); err == nil {
			if q, err := ParsePrincipal(p.String()); len(p.String()) <= MaxString && (err != nil || !q.Equal(p)) {
				t.Fatalf("%q: %+v, %+v, %v", s, p, q, err)
			}
		}
		list, err := Transited{1, []byte(s)}.Realms("ATHENA.MIT.EDU", "X.MIT.EDU")
		if err == nil && len(list) > 2*MaxTransited {
			t.Fatalf("%q names %d realms", s, len(list))
		}
	})
}

// Authenticators and tickets of any contents come back.
func TestAnyContents(t *testing.T) {
	text := rapid.StringMatching(`[^\x00]{0,300}`)
	octets := rapid.SliceOfN(rapid.Byte(), 0, 400)
	number := rapid.Int32()
	rapid.Check(t, func(t *rapid.T) {
		v := EncTicketPart{Flags: TicketFlags(rapid.Uint32().Draw(t, "flags")), Key: EncryptionKey{number.Draw(t, "etype"), octets.Draw(t, "key")},
			Client: Principal{Name{NameType(number.Draw(t, "type")), rapid.SliceOfN(text, 1, 5).Draw(t, "parts")}, text.Draw(t, "realm")}, Transited: Transited{1, octets.Draw(t, "transited")},
			Times: times, Addresses: []HostAddress{{number.Draw(t, "addr"), octets.Draw(t, "address")}}, AuthData: List{{number.Draw(t, "ad"), octets.Draw(t, "data")}}}
		b := v.Append([]byte("before"))[6:]
		got, err := ParseEncTicketPart(b)
		if err != nil || !got.Client.Equal(v.Client) || got.Client.Name.Type != v.Client.Name.Type || got.Flags != v.Flags || !bytes.Equal(got.Key.Value, v.Key.Value) ||
			got.Times != v.Times || !bytes.Equal(got.Append(nil), b) {
			t.Fatalf("%+v\nis now\n%+v, %v", v, got, err)
		}
	})
}

func TestKeytabForms(t *testing.T) {
	list := []KeytabEntry{{router, noon, 300, skey}, {router, noon, 299, skey}, {ann, noon, 7, EncryptionKey{17, make(Secret, 16)}}}
	b, err := AppendKeytab(nil, list)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if got, err := ParseKeytab(b[:n]); err == nil && len(got) == 3 {
			t.Errorf("cut at %d: %+v", n, got)
		}
	}
	hole := append(bytes.Clone(b[:2]), 0xff, 0xff, 0xff, 0xfd, 1, 2, 3)
	hole = append(append(hole, b[2:]...), 0, 0, 0, 0, 0xff) // and an end before the end
	got, err := ParseKeytab(hole)
	if err != nil || len(got) != 3 || got[0].KVNO != 300 || !got[0].Time.Equal(noon) || !got[2].Principal.Equal(ann) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, c := range []struct {
		p     Principal
		etype int32
		kvno  uint32
		want  uint32
	}{{router, 20, 0, 300}, {router, 20, 299, 299}, {router, 17, 0, 0}, {ann, 17, 8, 0}, {ann, 17, 0, 7}} {
		if e, ok := BestKey(got, c.p, c.etype, c.kvno); ok != (c.want != 0) || e.KVNO != c.want {
			t.Errorf("%v %d %d: %d", c.p, c.etype, c.kvno, e.KVNO)
		}
	}
	for _, b := range [][]byte{{}, {5, 1}, {5, 2, 0x80, 0, 0, 0}, {5, 2, 0, 0, 0, 1, 0}} {
		if got, err := ParseKeytab(b); err == nil {
			t.Errorf("%x: %+v", b, got)
		}
	}
	for _, e := range []KeytabEntry{{Principal: ann, Key: EncryptionKey{1 << 16, nil}}, {Principal: Principal{Realm: "R"}}, {Principal: Principal{MakeName(strings.Repeat("x", MaxString+1)), "R"}}} {
		if b, err := AppendKeytab(nil, []KeytabEntry{e}); err == nil {
			t.Errorf("%x", b)
		}
	}
}
