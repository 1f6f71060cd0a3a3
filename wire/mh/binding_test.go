package mh_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/mh"
)

// The octets of these tests were made by a program of their own and read by tshark 4.0, which agrees field by field but for
// the O flag: it has the name RFC 6602 gave to the same bit later.

// spec MIP-08
func TestBindingIdentifier(t *testing.T) {
	golden{"three care-of addresses", home, ha,
		&mh.BindingUpdate{Seq: 9, Ack: true, Home: true, Overwrite: true, Lifetime: 400 * time.Second, Options: mh.Options{Bindings: []mh.BindingID{
			{ID: 1, Simultaneous: true, CareOf: coa}, {ID: 2, CareOf: netip.MustParseAddr("192.0.2.1")}, {ID: 3}}}},
		`3b 07 05 00
		 46 99 00 09
		 c0 40 00 64  // A H, O (RFC 5648 §4.2)
		 01 04 00 00 00 00
		 23 14 00 01 00 80 20 01 0d b8 00 02 00 00 00 00 00 00 00 00 00 05  // at 8n+2: BID 1, H, IPv6
		 01 00
		 23 08 00 02 00 00 c0 00 02 01  // at 8n+2: BID 2, IPv4
		 23 04 00 03 00 00              // at 2n: BID 3, no address
		 01 04 00 00 00 00`}.check(t)
	golden{"one of two refused", ha, home,
		&mh.BindingAck{Status: mh.MCOANotComplete, Seq: 9, Lifetime: 400 * time.Second, Options: mh.Options{Bindings: []mh.BindingID{
			{ID: 1}, {ID: 2, Status: mh.MCOAUnknownCoA}}}},
		`3b 02 06 00
		 71 6b 04 00  // Status 4
		 00 09 00 64
		 23 04 00 01 00 00
		 23 04 00 02 a7 00  // Status 167`}.check(t)
}

// spec MIP-11
func TestMobileNetworkPrefix(t *testing.T) {
	golden{"two networks", home, ha,
		&mh.BindingUpdate{Seq: 10, Ack: true, Home: true, MobileRouter: true, Lifetime: 400 * time.Second, Options: mh.Options{Networks: []netip.Prefix{
			netip.MustParsePrefix("2001:db8:77::/48"), netip.MustParsePrefix("2001:db8:78:1::/64")}}},
		`3b 06 05 00
		 35 59 00 0a
		 c4 00 00 64  // A H R
		 06 12 00 30 20 01 0d b8 00 77 00 00 00 00 00 00 00 00 00 00  // at 8n+4: 48 bits
		 01 02 00 00
		 06 12 00 40 20 01 0d b8 00 78 00 01 00 00 00 00 00 00 00 00`}.check(t)
}

// Bits behind the prefix are neither sent nor believed.
func TestMobileNetworkPrefixIsMasked(t *testing.T) {
	want := netip.MustParsePrefix("2001:db8:77::/48")
	long := netip.PrefixFrom(netip.MustParseAddr("2001:db8:77:1::1"), 48)
	m, err := mh.Parse(home, ha, mh.Append(nil, home, ha, &mh.BindingUpdate{Options: mh.Options{Networks: []netip.Prefix{long}}}))
	if err != nil || m.Opts().Networks[0] != want {
		t.Errorf("written: %v, %v", m, err)
	}
	m, err = mh.Parse(home, ha, withOptions(t, "0612ff30 20010db8007700010000000000000001"))
	if err != nil || m.Opts().Networks[0] != want {
		t.Errorf("read: %v, %v", m, err)
	}
}

func TestBindingOptionsOnReceipt(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		cause     error
		offset    int
	}{
		{"network of 17", "06 11 00 40" + strings.Repeat("20", 15) + "00", wire.ErrLength, 13},
		{"network of 129 bits", "06 12 00 81" + strings.Repeat("20", 16), wire.ErrValue, 15},
		{"too many networks", strings.Repeat("0612004020010db8"+strings.Repeat("00", 12), mh.MaxNetworks+1) + "01020000" + "01020000", wire.ErrLimit, 12 + 20*mh.MaxNetworks},
		{"too many bindings", strings.Repeat("230400010000", mh.MaxBindings+1) + "0104000000000000"[:12], wire.ErrLimit, 12 + 6*mh.MaxBindings},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := strings.ReplaceAll(c.hex, " ", "")
			for (12+len(h)/2)%8 != 0 {
				h += "00"
			}
			_, err := mh.Parse(home, ha, withOptions(t, h))
			var at *wire.Error
			if !errors.As(err, &at) || !errors.Is(err, c.cause) || at.Offset != c.offset {
				t.Fatalf("got %v, want %v at octet %d", err, c.cause, c.offset)
			}
		})
	}
}

// A home agent answers a malformed option with a status (RFC 5648 §4.4): the message must get through to it.
//
// spec MIP-08
func TestMalformedBindingIdentifierIsKept(t *testing.T) {
	m, err := mh.Parse(home, ha, withOptions(t, "2305000100000001 0102 0000"))
	if err != nil {
		t.Fatal(err)
	}
	o := m.Opts()
	if len(o.Bindings) != 0 || len(o.Unknown) != 1 || o.Unknown[0].Type != mh.OptBindingID {
		t.Fatalf("got %+v", o)
	}
}
