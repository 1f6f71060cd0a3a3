package mh_test

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/mh"
)

// withOptions makes a Binding Update whose options are the hex given, checksum right.
func withOptions(t testing.TB, hex string) []byte {
	t.Helper()
	b := append([]byte{59, 0, 5, 0, 0, 0, 0, 1, 0, 0, 0, 0}, octets(t, hex)...)
	if len(b)%8 != 0 {
		t.Fatalf("options of %q leave %d octets over", hex, len(b)%8)
	}
	b[1] = byte(len(b)/8 - 1)
	return resum(b, home, ha)
}

func TestOptionsAlignment(t *testing.T) {
	// Every option alone and behind a NAI of each length: offsets as RFC 6275 §6.2 and RFC 4285 §5, §6 ask.
	auth := func(n int) *mh.Auth { return &mh.Auth{Subtype: mh.AuthMNHA, SPI: 256, Data: make([]byte, n)} }
	for _, c := range []struct {
		name   string
		o      mh.Options
		kind   byte
		n, at  int
		atTail bool // the option must end the message
	}{
		{"refresh advice", mh.Options{RefreshAdvice: 8 * time.Second}, 2, 2, 0, false},
		{"alternate care-of", mh.Options{AltCareOf: coa}, 3, 8, 6, false},
		{"nonce indices", mh.Options{Nonces: &mh.NonceIndices{Home: 1, CareOf: 2}}, 4, 2, 0, false},
		{"authorization data", mh.Options{BindingAuth: make([]byte, 12)}, 5, 8, 2, true},
		{"authorization data of 20", mh.Options{BindingAuth: make([]byte, 20)}, 5, 8, 2, true},
		{"timestamp", mh.Options{Timestamp: 1}, 10, 8, 2, false},
		{"MN-HA", mh.Options{Auth: auth(12)}, 9, 4, 1, true},
		{"MN-HA of 16", mh.Options{Auth: auth(16)}, 9, 4, 1, true},
		{"binding identifier", mh.Options{Bindings: []mh.BindingID{{ID: 1}}}, 35, 2, 0, false},
		{"binding identifier with IPv6", mh.Options{Bindings: []mh.BindingID{{ID: 1, CareOf: coa}}}, 35, 8, 2, false},
		{"network prefix", mh.Options{Networks: []netip.Prefix{netip.MustParsePrefix("2001:db8:77::/48")}}, 6, 8, 4, false},
		{"address", mh.Options{Addresses: []mh.AddressPrefix{mh.Host(mh.NewCareOf, coa)}}, 34, 8, 4, false},
		{"BADF", mh.Options{FastAuth: &mh.FastAuth{SPI: 1, Data: make([]byte, 12)}}, 21, 8, 6, true},
		{"BADF of 16", mh.Options{FastAuth: &mh.FastAuth{SPI: 1, Data: make([]byte, 16)}}, 21, 8, 2, true},
		{"MN-HA of odd length", mh.Options{Auth: auth(13)}, 9, 4, 1, false},
	} {
		for n := range 9 {
			o := c.o
			o.NAI = strings.Repeat("x", n)
			b := mh.Append(nil, home, ha, &mh.BindingUpdate{Options: o})
			at, end := find(t, b, 12, c.kind)
			if at%c.n != c.at {
				t.Errorf("%s behind a NAI of %d: at %d, want %dn+%d", c.name, n, at, c.n, c.at)
			}
			if c.atTail && end != len(b) {
				t.Errorf("%s behind a NAI of %d: ends at %d of %d", c.name, n, end, len(b))
			}
			m, err := mh.Parse(home, ha, b)
			if err != nil || !reflect.DeepEqual(*m.Opts(), o) {
				t.Errorf("%s behind a NAI of %d: %+v, %v", c.name, n, m, err)
			}
		}
	}
}

// find walks the options from offset at on and gives where the option of a kind begins and ends.
func find(t *testing.T, b []byte, at int, kind byte) (from, to int) {
	t.Helper()
	for at < len(b) {
		if b[at] == kind {
			return at, at + 2 + int(b[at+1])
		}
		if b[at] == 0 {
			at++
		} else {
			at += 2 + int(b[at+1])
		}
	}
	t.Fatalf("no option %d in %x", kind, b)
	return 0, 0
}

func TestOptionsOnReceipt(t *testing.T) {
	const auth = "09 11 01 00 00 01 00 aa aa aa aa aa aa aa aa aa aa aa aa"
	for _, c := range []struct {
		name, hex string
		cause     error // nil: accepted
		offset    int   // of the error
	}{
		{"alternate care-of anywhere", "03 10" + strings.Repeat("20", 16) + "00 00", nil, 0},
		{"padding of any kind", "00 00 00 00", nil, 0},
		{"padding behind MN-HA", "00 " + auth + "00 00 00 00 00 00 00 00", nil, 0},
		{"unknown options skipped", "c8 00 c9 00", nil, 0},
		{"other identifier subtypes kept", "08 02 07 aa", nil, 0},
		{"option cut", "c8 03 01 02", wire.ErrTruncated, 13},
		{"option without length", "00 00 00 c8", wire.ErrTruncated, 16},
		{"refresh advice of 1", "02 01 00 00", wire.ErrLength, 13},
		{"refresh advice twice", "02 02 00 05 02 02 00 05 01 02 00 00", wire.ErrValue, 16},
		{"alternate care-of of 8", "03 08 00 00 00 00 00 00 00 00 01 00", wire.ErrLength, 13},
		{"alternate care-of twice", strings.Repeat("03 10"+strings.Repeat("20", 16), 2), wire.ErrValue, 30},
		{"nonce indices of 2", "04 02 00 01", wire.ErrLength, 13},
		{"nonce indices twice", "04 04 00 01 00 01 04 04 00 01 00 01", wire.ErrValue, 18},
		{"authorization data empty", "05 00 01 00", wire.ErrLength, 13},
		{"option behind authorization data", "05 04 00 00 00 00 c8 04 00 00 00 00", wire.ErrValue, 18},
		{"padding behind authorization data", "05 04 00 00 00 00 01 04 00 00 00 00", wire.ErrValue, 18},
		{"authorization data twice", "05 04 00 00 00 00 05 04 00 00 00 00", wire.ErrValue, 18},
		{"identifier without subtype", "08 00 01 00", wire.ErrLength, 13},
		{"identifier empty", "08 01 01 00", wire.ErrLength, 13},
		{"identifier twice", "08 02 01 61 08 02 01 61 01 02 00 00", wire.ErrValue, 16},
		{"timestamp of 4", "0a 04 00 00 00 01 01 04 00 00 00 00", wire.ErrLength, 13},
		{"timestamp twice", strings.Repeat("0a 08 00 00 00 00 00 00 00 01", 2), wire.ErrValue, 22},
		{"authentication without SPI", "09 02 01 00", wire.ErrLength, 13},
		{"authentication empty", "09 05 01 00 00 01 00 00 00 00 00 00", wire.ErrLength, 13},
		{"option behind MN-HA", "00 " + auth + "02 02 00 01 01 02 00 00", wire.ErrValue, 32},
		{"MN-HA twice", "00 " + auth + auth + "00 00 00 00 00", wire.ErrValue, 34},
		{"MN-AAA before MN-HA", "00 09 11 02" + auth[8:] + auth + "00 00 00 00 00", wire.ErrValue, 34},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := strings.ReplaceAll(c.hex, " ", "")
			_, err := mh.Parse(home, ha, withOptions(t, h))
			if c.cause == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var at *wire.Error
			if !errors.As(err, &at) || !errors.Is(err, c.cause) || at.Offset != c.offset {
				t.Fatalf("got %v, want %v at octet %d", err, c.cause, c.offset)
			}
		})
	}
}

func TestUnknownOptionsAreLimited(t *testing.T) {
	ok := strings.Repeat("c800", mh.MaxUnknown)
	if _, err := mh.Parse(home, ha, withOptions(t, ok+"01020000")); err != nil {
		t.Fatal(err)
	}
	if _, err := mh.Parse(home, ha, withOptions(t, ok+"c8020000")); !errors.Is(err, wire.ErrLimit) {
		t.Fatalf("one more: %v", err)
	}
}

func TestNAILimit(t *testing.T) {
	long := strings.Repeat("x", mh.MaxNAI)
	for _, nai := range []string{long, long + "y"} {
		m, err := mh.Parse(home, ha, mh.Append(nil, home, ha, &mh.BindingUpdate{Options: mh.Options{NAI: nai}}))
		if err != nil || m.Opts().NAI != long {
			t.Fatalf("%d octets: %v", len(nai), err)
		}
	}
	// Option Length 255 = subtype and 254 octets: one more than RFC 4282 allows.
	if _, err := mh.Parse(home, ha, withOptions(t, "08ff01"+strings.Repeat("78", 254)+"010100")); !errors.Is(err, wire.ErrLimit) {
		t.Fatalf("254 octets: %v", err)
	}
}

func TestParsedMessageHoldsNothingOfThePacket(t *testing.T) {
	for _, o := range []mh.Options{
		{NAI: "mn@home", Unknown: []mh.RawOption{{Type: 99, Data: []byte{1, 2}}}, Auth: &mh.Auth{Subtype: 1, SPI: 300, Data: []byte{1, 2, 3, 4}}},
		{Networks: []netip.Prefix{netip.MustParsePrefix("2001:db8:77::/48")}, Bindings: []mh.BindingID{{ID: 1, CareOf: coa}},
			LLA: mnHW, Addresses: handover.Addresses, FastAuth: badf},
	} {
		b := mh.Append(nil, home, ha, &mh.BindingUpdate{Options: o})
		m, err := mh.Parse(home, ha, b)
		if err != nil {
			t.Fatal(err)
		}
		before := fmt.Sprintf("%+v %+v %+v", m, m.Opts().Auth, m.Opts().FastAuth)
		clear(b)
		if after := fmt.Sprintf("%+v %+v %+v", m, m.Opts().Auth, m.Opts().FastAuth); after != before {
			t.Fatalf("changed with the packet:\n%s\n%s", before, after)
		}
	}
}
