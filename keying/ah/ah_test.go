package ah

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"roam6/keying/replay"
	wireah "roam6/wire/ah"
	"roam6/wire/ip6"
)

const testSPI = 0x1001

func testKey(t testing.TB) Key {
	t.Helper()
	material := make([]byte, KeyLen)
	for i := range material {
		material[i] = byte(i)
	}
	k, err := NewKey(HMACSHA256128, material)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// vector is a packet with and without its header, with the key 00 01 02 … 1f and SPI 0x1001. Those of vectors.json were computed by a
// program of their own from the fields of the packet, those of kernel.json by Linux, which leaves in the padding of the ICV what was there.
type vector struct {
	Name          string `json:"name"`
	Seq           uint64 `json:"seq"`
	Extended      bool   `json:"extended"`
	Plain, Sealed octets
}

type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

func load(t testing.TB, file string) (list []vector) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &list); err != nil || len(list) == 0 {
		t.Fatal(err, len(list))
	}
	return list
}

func vectors(t testing.TB) []vector {
	return slices.Concat(load(t, "vectors.json"), load(t, "kernel.json"))
}

// before is a window that has seen all up to a number.
func before(seq uint64) replay.Window {
	if seq == 1 {
		return replay.Window{}
	}
	return replay.Restored(seq - 1)
}

func TestVectors(t *testing.T) { //spec FH-05 FH-06 RT-32
	for _, v := range vectors(t) {
		out := Outbound{testSPI, testKey(t), v.Extended}
		plain := slices.Clone(v.Plain)
		got, err := out.Seal(plain, v.Seq)
		if own := !strings.HasPrefix(v.Name, "Linux"); err != nil || own && !bytes.Equal(got, v.Sealed) || !bytes.Equal(plain, v.Plain) {
			t.Errorf("%s: %v\n got %x\nwant %x", v.Name, err, got, v.Sealed)
		}
		in, w := Inbound(out), before(v.Seq)
		sealed := slices.Clone(v.Sealed)
		got, err = in.Open(append(sealed, "link padding"...), &w)
		if err != nil || !bytes.Equal(got, v.Plain) || w.Top() != v.Seq || !bytes.Equal(sealed, v.Sealed) {
			t.Errorf("%s: %v\n got %x\nwant %x", v.Name, err, got, v.Plain)
		}
		if spi, ok := Find(v.Sealed); !ok || spi != testSPI {
			t.Errorf("%s: SPI %#x, %v", v.Name, spi, ok)
		}
		if _, ok := Find(v.Plain); ok {
			t.Errorf("%s: found a header in a packet without", v.Name)
		}
	}
}

// The header is the one that package wire/ah reads.
func TestHeader(t *testing.T) {
	p, err := ip6.Parse(vectors(t)[0].Sealed)
	if err != nil {
		t.Fatal(err)
	}
	h, rest, err := wireah.Parse(p.Payload)
	if err != nil || p.Proto != ip6.ProtoAH || h.Next != 17 || h.SPI != testSPI || h.Seq != 7 || len(h.ICV) != wireah.Len(ICVLen)-wireah.FixedLen || string(rest) != "0123456789abcdefXYZ" {
		t.Errorf("%+v, %q, %v", h, rest, err)
	}
}

// Any octet changed on the way is found out, unless routers may change it.
func TestEveryOctetCounts(t *testing.T) { //spec FH-18
	for _, v := range vectors(t) {
		in := Inbound{testSPI, testKey(t), v.Extended}
		for i := range v.Sealed {
			b := slices.Clone(v.Sealed)
			b[i] ^= 0x10
			w := before(v.Seq)
			old := w
			got, err := in.Open(b, &w)
			mutable := i >= 1 && i <= 3 || i == hopLimitAt || v.Name == "mutable" && (i >= 44 && i < 48 || i >= 60 && i < 64)
			if mutable != (err == nil) {
				t.Errorf("%s: octet %d: %v", v.Name, i, err)
			}
			if err != nil && (got != nil || w != old) {
				t.Errorf("%s: octet %d: refused, but %x, %+v", v.Name, i, got, w)
			}
		}
	}
}

func TestEveryPrefix(t *testing.T) {
	for _, v := range vectors(t) {
		in := Inbound{testSPI, testKey(t), v.Extended}
		for n := range v.Sealed {
			w := before(v.Seq)
			if got, err := in.Open(v.Sealed[:n], &w); got != nil || !errors.Is(err, ErrMalformed) {
				t.Errorf("%s cut at %d: %x, %v", v.Name, n, got, err)
			}
			Find(v.Sealed[:n])
		}
	}
}

func TestReasons(t *testing.T) { //spec FH-05 FH-06 FH-18 RT-32
	by := map[string][]byte{}
	for _, v := range vectors(t) {
		by[v.Name] = v.Sealed
	}
	change := func(name string, at int, to ...byte) []byte {
		b := slices.Clone(by[name])
		copy(b[at:], to)
		return b
	}
	other, err := NewKey(HMACSHA256128, bytes.Repeat([]byte{9}, KeyLen))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		b    []byte
		in   Inbound
		seen uint64
		want error
	}{
		{"authentic", by["plain"], Inbound{testSPI, testKey(t), false}, 6, nil},
		{"replayed", by["plain"], Inbound{testSPI, testKey(t), false}, 7, ErrReplay},
		{"left of the window", by["plain"], Inbound{testSPI, testKey(t), false}, 7 + replay.Size, ErrReplay},
		{"number 0", change("plain", 51, 0), Inbound{testSPI, testKey(t), false}, 6, ErrReplay},
		{"another's key", by["plain"], Inbound{testSPI, other, false}, 6, ErrAuth},
		{"another's SPI", by["plain"], Inbound{testSPI + 1, testKey(t), false}, 6, ErrSPI},
		{"extended taken for short", by["extended"], Inbound{testSPI, testKey(t), false}, 1, ErrAuth},
		{"short taken for extended", by["plain"], Inbound{testSPI, testKey(t), true}, 6, ErrAuth},
		{"of the next run", by["extended"], Inbound{testSPI, testKey(t), true}, 2<<32 + 1<<31, nil},
		{"of another run", by["extended"], Inbound{testSPI, testKey(t), true}, 1 << 32, ErrAuth},
		{"too old for its run", by["extended"], Inbound{testSPI, testKey(t), true}, 3<<32 + 1000, ErrReplay},
		{"no header", by["plain"][:40+8], Inbound{testSPI, testKey(t), false}, 6, ErrMalformed},
		{"ICMPv6", change("plain", nextAt, 58), Inbound{testSPI, testKey(t), false}, 6, ErrUnprotected},
		{"ESP", change("plain", nextAt, 50), Inbound{testSPI, testKey(t), false}, 6, ErrUnprotected},
		{"a fragment", change("plain", nextAt, 44), Inbound{testSPI, testKey(t), false}, 6, ErrFragment},
		{"another version", change("plain", 0, 0x40), Inbound{testSPI, testKey(t), false}, 6, ErrMalformed},
		{"another ICV", change("plain", 41, 4), Inbound{testSPI, testKey(t), false}, 6, ErrMalformed},
		{"hop-by-hop options behind others", change("home address", 40, 0), Inbound{testSPI, testKey(t), false}, 6, ErrMalformed},
		{"two segments left", change("routing", 43, 2), Inbound{testSPI, testKey(t), false}, 6, ErrMalformed},
		{"a source route", change("routing 0", 43, 1), Inbound{testSPI, testKey(t), false}, 6, ErrRouting},
		{"an option past its header", change("hop-by-hop", 43, 200), Inbound{testSPI, testKey(t), false}, 6, ErrMalformed},
	} {
		w := replay.Restored(c.seen)
		old := w
		got, err := c.in.Open(c.b, &w)
		if !errors.Is(err, c.want) || (err == nil) != (got != nil) || err != nil && w != old {
			t.Errorf("%s: %v, want %v; window %+v, was %+v", c.name, err, c.want, w, old)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	plain := vectors(t)[0].Plain
	change := func(b []byte, at int, to byte) []byte {
		b = slices.Clone(b)
		b[at] = to
		return b
	}
	long := ip6.Packet{Proto: 17, Payload: make([]byte, maxPayload-HeaderLen+1)}
	long.Src, long.Dst = ip6.AllNodes, ip6.AllNodes
	route := vectors(t)[6].Plain
	for _, c := range []struct {
		name     string
		b        []byte
		seq      uint64
		extended bool
		want     error
	}{
		{"number 0", plain, 0, false, ErrExhausted},
		{"number 0 of 64 bits", plain, 0, true, ErrExhausted},
		{"the last number", plain, 1<<32 - 1, false, nil},
		{"one over", plain, 1 << 32, false, ErrExhausted},
		{"one over, of 64 bits", plain, 1 << 32, true, nil},
		{"no packet", nil, 1, false, ErrMalformed},
		{"cut", plain[:len(plain)-1], 1, false, ErrMalformed},
		{"a fragment", change(plain, nextAt, 44), 1, false, ErrFragment},
		{"too long", long.Append(nil), 1, false, ErrTooLong},
		{"a source route", change(route, 43, 1), 1, false, ErrRouting},
	} {
		got, err := Outbound{testSPI, testKey(t), c.extended}.Seal(c.b, c.seq)
		if !errors.Is(err, c.want) || (err == nil) != (got != nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	long.Payload = long.Payload[1:]
	if got, err := (Outbound{testSPI, testKey(t), false}).Seal(long.Append(nil), 1); err != nil || len(got) != ipLen+maxPayload {
		t.Errorf("the longest: %d octets, %v", len(got), err)
	}
}

// More extension headers than are walked.
func TestManyHeaders(t *testing.T) {
	for _, n := range []int{MaxExtensions, MaxExtensions + 1} {
		p := ip6.Packet{Proto: 60, Payload: append(bytes.Repeat([]byte{60, 0, 1, 4, 0, 0, 0, 0}, n-1), 59, 0, 1, 4, 0, 0, 0, 0)}
		p.Src, p.Dst = ip6.AllNodes, ip6.AllNodes
		_, err := Outbound{testSPI, testKey(t), false}.Seal(p.Append(nil), 1)
		if ok := n <= MaxExtensions; ok != (err == nil) || !ok && !errors.Is(err, ErrMalformed) {
			t.Errorf("%d: %v", n, err)
		}
	}
}

func TestKeys(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33, 64} {
		if _, err := NewKey(HMACSHA256128, make([]byte, n)); err == nil || !strings.Contains(err.Error(), fmt.Sprint(n)) || !strings.Contains(err.Error(), "32") {
			t.Errorf("%d octets: %v", n, err)
		}
	}
	if _, err := NewKey(2, make([]byte, 32)); err == nil || !strings.Contains(err.Error(), "HMAC-SHA-256-128") {
		t.Error(err)
	}
	material := bytes.Repeat([]byte{0xab}, KeyLen)
	k, err := NewKey(HMACSHA256128, material)
	if err != nil {
		t.Fatal(err)
	}
	j, _ := json.Marshal(struct{ K Key }{k})
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%#v %x %+v", k, k, Inbound{1, k, true}), k.String(), k.GoString(), string(j),
		fmt.Sprintf("%#v", struct{ k Key }{k})} {
		if strings.Contains(s, "abab") || strings.Contains(s, "171") {
			t.Error(s)
		}
	}
	clear(material) // the key has its own
	if again, _ := NewKey(HMACSHA256128, bytes.Repeat([]byte{0xab}, KeyLen)); k.sum() != again.sum() {
		t.Error("the key shares memory")
	}
}

// What is sealed is opened, in any order within the window, and once.
func TestAny(t *testing.T) { //spec FH-05 RT-32
	list := vectors(t)
	key := testKey(t)
	rapid.Check(t, func(t *rapid.T) {
		out := Outbound{rapid.Uint32Min(256).Draw(t, "spi"), key, rapid.Bool().Draw(t, "extended")}
		in := Inbound(out)
		var w replay.Window
		if out.Extended {
			w = replay.Restored(rapid.SampledFrom([]uint64{1, 1<<32 - 5, 1 << 40}).Draw(t, "top"))
		}
		first := w.Top() + 1
		for _, i := range rapid.Permutation([]uint64{0, 1, 2, 3, 40}).Draw(t, "order") {
			plain := rapid.SampledFrom(list).Draw(t, "packet").Plain
			b, err := out.Seal(plain, first+i)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := in.Open(b, &w); err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("number %#x: %v", first+i, err)
			}
			if _, err := in.Open(b, &w); !errors.Is(err, ErrReplay) {
				t.Fatalf("number %#x again: %v", first+i, err)
			}
		}
	})
}

// FuzzOpen: nothing panics, and nothing without the key is opened; what can be sealed is opened again.
func FuzzOpen(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Plain))
		f.Add([]byte(v.Sealed))
	}
	other, err := NewKey(HMACSHA256128, bytes.Repeat([]byte{7}, KeyLen))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var w replay.Window
		Find(b)
		if got, err := (Inbound{testSPI, other, false}).Open(b, &w); err == nil || w != (replay.Window{}) {
			t.Fatalf("opened: %x", got)
		}
		sealed, err := Outbound{testSPI, other, true}.Seal(b, 1)
		if err != nil {
			return
		}
		end := ipLen + int(b[4])<<8 + int(b[5])
		if got, err := (Inbound{testSPI, other, true}).Open(sealed, &w); err != nil || !bytes.Equal(got, b[:end]) {
			t.Fatalf("sealed and opened: %v\n got %x\nwant %x", err, got, b)
		}
	})
}
