package mh_test

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/mh"
)

// A mobile node that goes from one access router to another. The octets of these tests were made by a program of their own
// and read by tshark 4.0, which agrees field by field but for this: it shows the lifetimes times four, and drops the last two
// octets of a BADF authenticator.
var (
	pcoa = netip.MustParseAddr("2001:db8:a::5")
	ncoa = netip.MustParseAddr("2001:db8:b::5")
	par  = netip.MustParseAddr("2001:db8:a::1")
	nar  = netip.MustParseAddr("2001:db8:b::1")
	mnHW = [6]byte{2, 0, 0, 0, 0x0a, 1}
	badf = &mh.FastAuth{SPI: 256, Data: bytes.Repeat([]byte{0xaa}, mh.AuthLen)}
)

// spec MIP-09
func TestFastBindingUpdate(t *testing.T) {
	golden{"from the previous link", pcoa, par,
		&mh.FastBindingUpdate{Seq: 7, Ack: true, Home: true, LinkLocal: true, KeyMgmt: true, Lifetime: 10 * time.Second,
			Options: mh.Options{AltCareOf: ncoa, LLA: mnHW, FastAuth: badf}},
		`3b 07 08 00  // MH Type 8, Header Len 7
		 1b 96 00 07  // checksum, Sequence # 7
		 f0 00 00 0a  // A H L K, Lifetime 10 s
		 01 00
		 03 10 20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 05
		 07 07 02 02 00 00 00 0a 01  // MH-LLA, Option-Code 2, no alignment
		 01 03 00 00 00
		 15 10 00 00 01 00 aa aa aa aa aa aa aa aa aa aa aa aa  // BADF: 16 octets behind the length, SPI 256; ends the message`}.check(t)
}

// spec MIP-09
func TestFastBindingAck(t *testing.T) {
	golden{"another address", par, pcoa,
		&mh.FastBindingAck{Status: mh.FastUseSupplied, KeyMgmt: true, Seq: 7, Lifetime: 10 * time.Second,
			Options: mh.Options{AltCareOf: ncoa, FastAuth: badf}},
		`3b 06 09 00  // MH Type 9
		 15 30 01 80  // checksum, Status 1, K
		 00 07 00 0a  // Sequence # 7, Lifetime 10 s
		 01 00
		 03 10 20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 05
		 01 04 00 00 00 00
		 15 10 00 00 01 00 aa aa aa aa aa aa aa aa aa aa aa aa`}.check(t)
}

// spec MIP-09
func TestHandoverInitiate(t *testing.T) {
	golden{"assign and buffer", par, nar,
		&mh.HandoverInitiate{Seq: 0x102, Assign: true, Buffer: true, Code: mh.HIPredictive, Options: mh.Options{LLA: mnHW,
			Addresses: []mh.AddressPrefix{mh.Host(mh.OldCareOf, pcoa), mh.Host(mh.NewCareOf, ncoa)}}},
		`3b 07 0e 00  // MH Type 14
		 ea da 01 02  // checksum, Sequence # 258
		 c0 00        // S U, Code 0
		 07 07 02 02 00 00 00 0a 01
		 00
		 22 12 01 80 20 01 0d b8 00 0a 00 00 00 00 00 00 00 00 00 05  // at 8n+4: Old Care-of Address, 128 bits
		 01 02 00 00
		 22 12 02 80 20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 05  // New Care-of Address`}.check(t)
}

// spec MIP-09
func TestHandoverAck(t *testing.T) {
	golden{"assigned", nar, par,
		&mh.HandoverAck{Seq: 0x102, Code: mh.HAckAssigned, Options: mh.Options{Addresses: []mh.AddressPrefix{mh.Host(mh.NewCareOf, ncoa)}}},
		`3b 03 0f 00  // MH Type 15
		 05 6d 01 02  // checksum, Sequence # 258
		 00 02        // Reserved, Code 2
		 01 00
		 22 12 02 80 20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 05`}.check(t)
	golden{"unsolicited, with router and prefix", nar, par,
		&mh.HandoverAck{Seq: 0x103, Code: mh.HAckUnsolicited, Options: mh.Options{Addresses: []mh.AddressPrefix{
			{Code: mh.RouterAddr, Prefix: netip.PrefixFrom(nar, 64)},
			{Code: mh.RouterPrefix, Prefix: netip.MustParsePrefix("2001:db8:b::/64")}}}},
		`3b 06 0f 00
		 af 7a 01 03
		 00 04
		 01 00
		 22 12 03 40 20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 01
		 01 02 00 00
		 22 12 04 40 20 01 0d b8 00 0b 00 00 00 00 00 00 00 00 00 00`}.check(t)
}

func TestFastLifetimeIsInSeconds(t *testing.T) {
	for _, c := range []struct{ in, out time.Duration }{
		{0, 0}, {-time.Second, 0}, {1999 * time.Millisecond, time.Second}, {5 * time.Second, 5 * time.Second},
		{mh.MaxFastLifetime, mh.MaxFastLifetime}, {100 * time.Hour, mh.MaxFastLifetime},
	} {
		for _, m := range []mh.Message{&mh.FastBindingUpdate{Lifetime: c.in}, &mh.FastBindingAck{Lifetime: c.in}} {
			m, err := mh.Parse(pcoa, par, mh.Append(nil, pcoa, par, m))
			if err != nil {
				t.Fatal(err)
			}
			got := time.Duration(-1)
			switch m := m.(type) {
			case *mh.FastBindingUpdate:
				got = m.Lifetime
			case *mh.FastBindingAck:
				got = m.Lifetime
			}
			if got != c.out {
				t.Errorf("%T: lifetime %v travels as %v, want %v", m, c.in, got, c.out)
			}
		}
	}
}

// Flags of other documents mean nothing in a Fast Binding Update: RFC 5568 §6.2.2.
func TestFastBindingUpdateIgnoresOtherFlags(t *testing.T) {
	b := mh.Append(nil, pcoa, par, &mh.FastBindingUpdate{Seq: 1, Ack: true})
	b[8] |= 0x0f
	b[9] = 0xff
	m, err := mh.Parse(pcoa, par, resum(b, pcoa, par))
	if fbu, ok := m.(*mh.FastBindingUpdate); err != nil || !ok || !fbu.Ack || fbu.Home || fbu.LinkLocal || fbu.KeyMgmt {
		t.Fatalf("got %+v, %v", m, err)
	}
}

func TestFastOptionsOnReceipt(t *testing.T) {
	address := "22 12 02 80" + strings.Repeat("20", 16)
	badf := "15 10 00 00 01 00" + strings.Repeat("aa", 12)
	for _, c := range []struct {
		name, hex string
		cause     error // nil: accepted
		offset    int
	}{
		{"link-layer address of 8 octets kept", "07 09 02 01 02 03 04 05 06 07 08 00", nil, 0},
		{"link-layer address of somebody else kept", "07 07 01 01 02 03 04 05 06 00 00 00", nil, 0},
		{"link-layer address missing", "07 01 02 00", wire.ErrLength, 13},
		{"link-layer address twice", "07 07 02 01 02 03 04 05 06 07 07 02 01 02 03 04 05 06 00 00", wire.ErrValue, 21},
		{"address of another code", "22 12 09 80" + strings.Repeat("20", 16), nil, 0},
		{"address of 17", "22 11 02 80" + strings.Repeat("20", 15) + "00", wire.ErrLength, 13},
		{"129 bits", "22 12 04 81" + strings.Repeat("20", 16), wire.ErrValue, 15},
		{"address twice", address + address + "00 00 00 00", wire.ErrValue, 32},
		{"BADF without authenticator", "15 04 00 00 01 00 00 00 00 00 00 00", wire.ErrLength, 13},
		{"BADF whose length leaves the SPI out", "01 00 15 0c 00 00 01 00" + strings.Repeat("aa", 12), wire.ErrTruncated, 29},
		{"BADF twice", badf + badf, wire.ErrValue, 30},
		{"option behind BADF", badf + "c8 00", wire.ErrValue, 30},
		{"BADF behind MN-HA", "00 09 11 01 00 00 01 00" + strings.Repeat("aa", 12) + badf + "00 00 00 00 00 00", wire.ErrValue, 32},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mh.Parse(home, ha, withOptions(t, strings.ReplaceAll(c.hex, " ", "")))
			var at *wire.Error
			if c.cause == nil && err != nil || c.cause != nil && (!errors.As(err, &at) || !errors.Is(err, c.cause) || at.Offset != c.offset) {
				t.Fatalf("got %v, want %v at octet %d", err, c.cause, c.offset)
			}
		})
	}
}

func TestAddressesAreLimited(t *testing.T) {
	m := &mh.HandoverInitiate{}
	for i := range mh.MaxAddresses {
		m.Options.Addresses = append(m.Options.Addresses, mh.Host(uint8(10+i), pcoa))
	}
	if _, err := mh.Parse(par, nar, mh.Append(nil, par, nar, m)); err != nil {
		t.Fatal(err)
	}
	m.Options.Addresses = append(m.Options.Addresses, mh.Host(99, pcoa))
	if _, err := mh.Parse(par, nar, mh.Append(nil, par, nar, m)); !errors.Is(err, wire.ErrLimit) {
		t.Fatalf("one more: %v", err)
	}
}

func TestAddress(t *testing.T) {
	o := mh.Options{Addresses: []mh.AddressPrefix{mh.Host(mh.OldCareOf, pcoa), mh.Host(mh.NewCareOf, ncoa)}}
	if o.Address(mh.NewCareOf) != ncoa || o.Address(mh.RouterAddr).IsValid() {
		t.Errorf("got %v and %v", o.Address(mh.NewCareOf), o.Address(mh.RouterAddr))
	}
}

// RFC 5568 §6.4.5: the authenticator covers all before it, its own SPI too.
//
// spec MIP-09
func TestAppendSignedFast(t *testing.T) {
	for _, size := range []int{0, mh.AuthLen, 16, 20, 32} {
		fbu := &mh.FastBindingUpdate{Seq: 1, Ack: true, Home: true, Options: mh.Options{AltCareOf: ncoa, FastAuth: &mh.FastAuth{SPI: 300, Data: make([]byte, size)}}}
		var seen []byte
		b := mh.AppendSigned([]byte{9, 9, 9}, pcoa, par, fbu, func(c []byte) []byte {
			seen = bytes.Clone(c)
			return bytes.Repeat([]byte{7}, 32)
		})[3:]
		if size == 0 {
			size = mh.AuthLen
		}
		covered, auth, err := mh.Covered(b)
		if err != nil || !bytes.Equal(covered, seen) || !bytes.Equal(auth, bytes.Repeat([]byte{7}, size)) {
			t.Fatalf("%d octets: covered %x, authenticator %x, %v", size, covered, auth, err)
		}
		if len(covered)+size != len(b) || !bytes.Equal(covered[len(covered)-4:], []byte{0, 0, 1, 44}) {
			t.Errorf("%d octets: covers %x of %x", size, covered, b)
		}
		m, err := mh.Parse(pcoa, par, b)
		if err != nil || m.Opts().FastAuth.SPI != 300 || !bytes.Equal(m.Opts().FastAuth.Data, auth) {
			t.Errorf("%d octets: %+v, %v", size, m, err)
		}
	}
}

func TestFastWords(t *testing.T) {
	for code, accepted := range map[mh.HAckCode]bool{ //order:any
		mh.HAckAccepted: true, mh.HAckInvalidNCoA: true, mh.HAckAssigned: true, mh.HAckUsePCoA: true,
		mh.HAckUnsolicited: false, mh.HAckUnspecified: false, mh.HAckProhibited: false, mh.HAckResources: false,
	} {
		if code.Accepted() != accepted || strings.HasPrefix(code.String(), "Code ") {
			t.Errorf("%d: %v, accepted %v", uint8(code), code, code.Accepted())
		}
	}
	for _, s := range []mh.FastStatus{mh.FastAccepted, mh.FastUseSupplied, mh.FastUnspecified, mh.FastProhibited, mh.FastResources, mh.FastInterfaceIDSize} {
		if s.Accepted() != (s < 128) || strings.HasPrefix(s.String(), "Status ") {
			t.Errorf("%d: %v, accepted %v", uint8(s), s, s.Accepted())
		}
	}
	if got := mh.HAckCode(77).String() + ", " + mh.FastStatus(77).String() + ", " + mh.HICodeWords(77); got != "Code 77, Status 77, Code 77" {
		t.Error(got)
	}
}

// That the gate is closed is said in an experimental option; another experiment's says nothing.
func TestClosed(t *testing.T) {
	for _, c := range []struct {
		data string
		want bool
	}{{"roam6\x01", true}, {"roam6\x02", false}, {"roam6", false}, {"", false}} {
		m := &mh.HandoverAck{Seq: 1, Options: mh.Options{Unknown: []mh.RawOption{{Type: mh.OptExperimental, Data: []byte(c.data)}}}}
		got, err := mh.Parse(ncoa, pcoa, mh.Append(nil, ncoa, pcoa, m))
		if err != nil || got.(*mh.HandoverAck).Options.Closed() != c.want {
			t.Errorf("%q: %+v, %v", c.data, got, err)
		}
	}
	var o mh.Options
	if o.SetClosed(); !o.Closed() || (&mh.Options{}).Closed() {
		t.Error("not said, or said by nothing")
	}
}
