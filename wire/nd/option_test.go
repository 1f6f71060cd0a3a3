package nd

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/ip6"
)

func advertise(t *testing.T, options []byte) *Options {
	t.Helper()
	b := Append(nil, arLL, ip6.AllNodes, &RouterAdvertisement{HomeAgent: true})
	b = seal(arLL, ip6.AllNodes, append(b, options...))
	m, err := Parse(arLL, ip6.AllNodes, HopLimit, b)
	if err != nil {
		t.Fatal(err)
	}
	if out := Append(nil, arLL, ip6.AllNodes, m); len(out) != len(b) {
		t.Errorf("%d octets became %d", len(b), len(out))
	}
	return optionsOf(m)
}

// The first of a kind counts; what its field cannot tell from absent is kept but means nothing.
func TestRepeatedAndEmptyOptions(t *testing.T) {
	o := advertise(t, []byte{
		1, 1, 0, 0, 0, 0, 0, 0, // no address
		1, 1, 2, 0, 0, 0, 0x0b, 1,
		1, 1, 2, 0, 0, 0, 0x0b, 2,
		5, 1, 0, 0, 0, 0, 0, 0, // no MTU
		5, 1, 0, 0, 0, 0, 5, 0xdc,
		5, 1, 0, 0, 0, 0, 5, 0,
		7, 1, 0, 0, 0, 0, 0, 0, // no interval
		7, 1, 0, 0, 0, 0, 0, 100,
		7, 1, 0, 0, 0, 0, 0, 200,
		8, 1, 0, 0, 0, 5, 0, 60,
		8, 1, 0, 0, 0, 6, 0, 60,
		14, 1, 1, 2, 3, 4, 5, 6,
		14, 1, 6, 5, 4, 3, 2, 1,
	})
	want := Options{
		SourceHW: arHW, MTU: 1500, AdvInterval: 100 * time.Millisecond,
		HomeAgent: &HomeAgentInfo{Preference: 5, Lifetime: time.Minute},
		Nonce:     []byte{1, 2, 3, 4, 5, 6},
		Unknown: []RawOption{
			{1, []byte{0, 0, 0, 0, 0, 0}}, {1, []byte{2, 0, 0, 0, 0x0b, 2}},
			{5, []byte{0, 0, 0, 0, 0, 0}}, {5, []byte{0, 0, 0, 0, 5, 0}},
			{7, []byte{0, 0, 0, 0, 0, 0}}, {7, []byte{0, 0, 0, 0, 0, 200}},
			{8, []byte{0, 0, 0, 6, 0, 60}}, {14, []byte{6, 5, 4, 3, 2, 1}},
		},
	}
	if !reflect.DeepEqual(*o, want) {
		t.Errorf("got %+v\nwant %+v", *o, want)
	}
}

// RFC 4861 §4.6.2: bits after the prefix are ignored, unless R says that they are an address (RFC 6275 §7.2).
func TestPrefixIsMasked(t *testing.T) {
	option := append([]byte{3, 4, 48, 0x9f, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, coa.AsSlice()...)
	b := Append(nil, arLL, ip6.AllNodes, &RouterAdvertisement{})
	b = seal(arLL, ip6.AllNodes, append(b, option...))
	m, err := Parse(arLL, ip6.AllNodes, HopLimit, b)
	if err != nil {
		t.Fatal(err)
	}
	got := optionsOf(m).Prefixes[0]
	if want := (Prefix{Prefix: netip.MustParsePrefix("2001:db8:a::/48"), OnLink: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	unmasked := Prefix{Prefix: netip.PrefixFrom(coa, 48)}
	if b := unmasked.append(nil); !bytes.Equal(b[22:], make([]byte, 10)) {
		t.Errorf("bits after the prefix were sent: %x", b[16:])
	}
}

func TestLimits(t *testing.T) {
	prefix := Prefix{Prefix: netip.MustParsePrefix("2001:db8::/64")}
	full := &RouterAdvertisement{Options: Options{Prefixes: make([]Prefix, MaxPrefixes)}}
	for i := range full.Options.Prefixes {
		full.Options.Prefixes[i] = prefix
	}
	for range MaxOptions - MaxPrefixes {
		full.Options.Unknown = append(full.Options.Unknown, RawOption{253, make([]byte, 6)})
	}
	parse := func(m Message) error {
		_, err := Parse(arLL, ip6.AllNodes, HopLimit, Append(nil, arLL, ip6.AllNodes, m))
		return err
	}
	if err := parse(full); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	full.Options.Unknown = append(full.Options.Unknown, RawOption{253, make([]byte, 6)})
	if err := parse(full); !errors.Is(err, wire.ErrLimit) {
		t.Errorf("an option too many: %v", err)
	}
	full.Options.Unknown = nil
	full.Options.Prefixes = append(full.Options.Prefixes, prefix)
	if err := parse(full); !errors.Is(err, wire.ErrLimit) {
		t.Errorf("a prefix too many: %v", err)
	}
}

func TestRawOptionIsPadded(t *testing.T) {
	for n, want := range map[int]int{0: 8, 6: 8, 7: 16, 14: 16, MaxRawData: 2040} { //order:any
		b := RawOption{253, bytes.Repeat([]byte{9}, n)}.append(nil)
		if len(b) != want || int(b[1])*8 != want || (n < want-2) != (b[want-1] == 0) {
			t.Errorf("%d octets of data: option of %d octets, Length %d, want %d", n, len(b), b[1], want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an option too long for its Length was written")
		}
	}()
	RawOption{253, make([]byte, MaxRawData+1)}.append(nil)
}

func TestPrefixWithoutPrefixPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a prefix option without a prefix was written")
		}
	}()
	AppendPrefixes(nil, []Prefix{{}})
}

func TestParsePrefixes(t *testing.T) {
	want := goldenRA.msg.(*RouterAdvertisement).Options.Prefixes
	b := append([]byte{253, 1, 0, 0, 0, 0, 0, 0, 1, 3}, make([]byte, 22)...) // unknown, and a strange length to skip
	b = AppendPrefixes(b, want)
	got, err := ParsePrefixes(b, 8)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	b[1] = 0
	_, err = ParsePrefixes(b, 8)
	wantRefused(t, "length zero", nil, err, "Length", 9, wire.ErrLength)
}
