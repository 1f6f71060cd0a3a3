package mh_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// The addresses of the examples: a mobile node and its home agent.
var (
	home = netip.MustParseAddr("2001:db8:1::5")
	coa  = netip.MustParseAddr("2001:db8:2::5")
	ha   = netip.MustParseAddr("2001:db8:1::1")
)

// octets reads hex with a comment on each line.
func octets(t testing.TB, s string) []byte {
	t.Helper()
	var out []byte
	for line := range strings.Lines(s) {
		code, _, _ := strings.Cut(line, "//")
		b, err := hex.DecodeString(strings.Join(strings.Fields(code), ""))
		if err != nil {
			t.Fatalf("bad hex in %q: %v", line, err)
		}
		out = append(out, b...)
	}
	return out
}

// golden is a message, its octets in src -> dst with a checksum, and what the test of each file adds.
type golden struct {
	name     string
	src, dst netip.Addr
	msg      mh.Message
	wire     string
}

// check writes the message, compares, parses it back, cuts it at every prefix and turns every bit.
func (g golden) check(t *testing.T) {
	t.Helper()
	t.Run(g.name, func(t *testing.T) {
		want := octets(t, g.wire)
		got := mh.Append(nil, g.src, g.dst, g.msg)
		if !bytes.Equal(got, want) {
			t.Fatalf("Append\n got %x\nwant %x", got, want)
		}
		back, err := mh.Parse(g.src, g.dst, want)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, g.msg) {
			t.Fatalf("Parse\n got %+v\nwant %+v", back, g.msg)
		}
		for n := range want {
			if _, err := mh.Parse(g.src, g.dst, want[:n]); !errors.Is(err, wire.ErrTruncated) {
				t.Fatalf("cut to %d octets: %v", n, err)
			}
			if _, err := mh.ParseUnchecked(want[:n]); !errors.Is(err, wire.ErrTruncated) {
				t.Fatalf("cut to %d octets, unchecked: %v", n, err)
			}
		}
		for i := range 8 * len(want) {
			bad := bytes.Clone(want)
			bad[i/8] ^= 1 << (i % 8)
			if _, err := mh.Parse(g.src, g.dst, bad); err == nil {
				t.Fatalf("bit %d turned: accepted", i)
			}
		}
		if trail, err := mh.Parse(g.src, g.dst, append(bytes.Clone(want), 1, 2, 3)); err != nil || !reflect.DeepEqual(trail, g.msg) {
			t.Fatalf("octets behind the header: %v", err)
		}
	})
}

// resum puts a right checksum into b.
func resum(b []byte, src, dst netip.Addr) []byte {
	b = bytes.Clone(b)
	b[4], b[5] = 0, 0
	c := ip6.Checksum(src, dst, ip6.ProtoMH, b)
	b[4], b[5] = byte(c>>8), byte(c)
	return b
}

func TestHeaderIsChecked(t *testing.T) {
	good := mh.Append(nil, home, ha, &mh.HomeTest{})
	for _, c := range []struct {
		name   string
		change func(b []byte) []byte
		field  string
		offset int
		cause  error
	}{
		{"payload proto names a payload", func(b []byte) []byte { b[0] = 17; return b }, "Payload Proto", 0, wire.ErrValue},
		{"header len too short for the type", func(b []byte) []byte { b[1] = 0; return b[:8] }, "Header Len", 1, wire.ErrLength},
		{"header len past the end", func(b []byte) []byte { b[1] = 9; return b }, "Header Len", 1, wire.ErrTruncated},
		{"unknown type", func(b []byte) []byte { b[2] = 99; return b }, "MH Type", 2, wire.ErrUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mh.Parse(home, ha, resum(c.change(bytes.Clone(good)), home, ha))
			var at *wire.Error
			if !errors.As(err, &at) || at.Proto != "mh" || at.Field != c.field || at.Offset != c.offset || !errors.Is(err, c.cause) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestChecksumCoversHomeAddress(t *testing.T) {
	// RFC 6275 §6.1.1: the home address, not the care-of address, is in the pseudo-header.
	b := mh.Append(nil, home, ha, &mh.BindingUpdate{Seq: 1})
	if _, err := mh.Parse(coa, ha, b); !errors.Is(err, wire.ErrChecksum) {
		t.Fatalf("from the care-of address: %v", err)
	}
	if _, err := mh.ParseUnchecked(b); err != nil {
		t.Fatalf("unchecked: %v", err)
	}
}

func TestReservedBitsAreIgnored(t *testing.T) {
	b := mh.Append(nil, home, ha, &mh.BindingUpdate{Seq: 1, Ack: true})
	b[3], b[9] = 0xff, 0xff
	m, err := mh.Parse(home, ha, resum(b, home, ha))
	if err != nil {
		t.Fatal(err)
	}
	if bu := m.(*mh.BindingUpdate); bu.Seq != 1 || !bu.Ack || bu.Home {
		t.Fatalf("got %+v", bu)
	}
}

func TestLifetimeUnits(t *testing.T) {
	for _, c := range []struct{ in, out time.Duration }{
		{0, 0}, {-time.Second, 0}, {time.Second, 0}, {4 * time.Second, 4 * time.Second},
		{7*time.Second + 999*time.Millisecond, 4 * time.Second}, {mh.MaxLifetime, mh.MaxLifetime},
		{1000 * time.Hour, mh.MaxLifetime},
	} {
		m, err := mh.Parse(home, ha, mh.Append(nil, home, ha, &mh.BindingUpdate{Lifetime: c.in}))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.(*mh.BindingUpdate).Lifetime; got != c.out {
			t.Errorf("lifetime %v travels as %v, want %v", c.in, got, c.out)
		}
	}
}

func TestAppendKeepsWhatStandsBefore(t *testing.T) {
	// Offsets count from the message, not from the buffer: alignment must not change behind 3 octets.
	m := &mh.BindingUpdate{Options: mh.Options{AltCareOf: coa, Auth: &mh.Auth{Subtype: mh.AuthMNHA, SPI: 300, Data: make([]byte, mh.AuthLen)}}}
	alone := mh.Append(nil, home, ha, m)
	behind := mh.Append([]byte{1, 2, 3}, home, ha, m)
	if !bytes.Equal(behind[:3], []byte{1, 2, 3}) || !bytes.Equal(behind[3:], alone) {
		t.Fatalf("got %x\nand %x", behind, alone)
	}
}

func TestStatusWords(t *testing.T) {
	for s, want := range map[mh.Status]string{ //order:any
		mh.Accepted:                "Binding Update accepted",
		mh.AcceptedPrefixDiscovery: "Accepted but prefix discovery necessary",
		mh.SequenceOutOfWindow:     "Sequence number out of window",
		mh.IDMismatch:              "MIPV6-ID-MISMATCH",
		mh.InvalidCoA:              "Invalid Care-of Address",
		77:                         "Status 77",
	} {
		if s.String() != want {
			t.Errorf("%d: %q, want %q", s, s, want)
		}
		if s.Accepted() != (s < 128) {
			t.Errorf("%d: accepted %v", s, s.Accepted())
		}
	}
	for status, want := range []string{"Status 0", "Unknown binding for Home Address destination option", "Unrecognized MH Type value"} {
		if got := mh.ErrorWords(uint8(status)); got != want {
			t.Errorf("Binding Error %d: %q", status, got)
		}
	}
}
