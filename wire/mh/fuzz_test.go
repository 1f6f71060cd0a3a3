package mh_test

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"roam6/wire/mh"
)

// handover is what a Handover Initiate carries.
var handover = mh.Options{LLA: mnHW, Addresses: []mh.AddressPrefix{mh.Host(mh.OldCareOf, pcoa), mh.Host(mh.NewCareOf, ncoa)}}

// samples are messages of every type with every option, as they go over the wire.
func samples() [][]byte {
	auth := &mh.Auth{Subtype: mh.AuthMNHA, SPI: 256, Data: make([]byte, mh.AuthLen)}
	var out [][]byte
	for _, m := range []mh.Message{
		&mh.BindingRefreshRequest{},
		&mh.HomeTestInit{Cookie: [8]byte{1}},
		&mh.CareOfTestInit{Cookie: [8]byte{2}},
		&mh.HomeTest{NonceIndex: 1},
		&mh.CareOfTest{NonceIndex: 2},
		&mh.BindingUpdate{Seq: 1, Ack: true, Home: true, Lifetime: time.Minute, Options: mh.Options{AltCareOf: coa, NAI: "mn@home.example", Timestamp: 1, Auth: auth}},
		&mh.BindingUpdate{Seq: 2, Options: mh.Options{Nonces: &mh.NonceIndices{Home: 1}, BindingAuth: make([]byte, mh.AuthLen)}},
		&mh.BindingAck{Seq: 1, Lifetime: time.Minute, Options: mh.Options{RefreshAdvice: 40 * time.Second, Auth: auth,
			AuthAAA: &mh.Auth{Subtype: mh.AuthMNAAA, SPI: mh.SPIHMACSHA1, Data: make([]byte, mh.AuthAAALen)}}},
		&mh.BindingError{Status: mh.UnknownBinding, HomeAddress: home, Options: mh.Options{Unknown: []mh.RawOption{{Type: 99, Data: []byte{1}}}}},
		&mh.BindingUpdate{Seq: 3, Home: true, MobileRouter: true, Overwrite: true, Options: mh.Options{
			Networks: []netip.Prefix{netip.MustParsePrefix("2001:db8:77::/48")},
			Bindings: []mh.BindingID{{ID: 1, Simultaneous: true, CareOf: coa}, {ID: 2, CareOf: netip.MustParseAddr("192.0.2.1")}, {ID: 3}}}},
		&mh.FastBindingUpdate{Seq: 4, Ack: true, Home: true, Lifetime: time.Minute, Options: mh.Options{AltCareOf: ncoa, LLA: mnHW, FastAuth: badf}},
		&mh.FastBindingAck{Seq: 4, Status: mh.FastUseSupplied, Lifetime: time.Minute, Options: mh.Options{AltCareOf: ncoa, FastAuth: badf}},
		&mh.HandoverInitiate{Seq: 5, Buffer: true, Options: handover},
		&mh.HandoverAck{Seq: 5, Code: mh.HAckAssigned, Options: mh.Options{Addresses: []mh.AddressPrefix{
			mh.Host(mh.NewCareOf, ncoa), {Code: mh.RouterPrefix, Prefix: netip.MustParsePrefix("2001:db8:b::/64")}}}},
	} {
		out = append(out, mh.Append(nil, home, ha, m))
	}
	return out
}

// FuzzParse: no octets make the parser panic; what it accepts is written and read again as the same value; its checksum
// is right; Covered never panics.
func FuzzParse(f *testing.F) {
	for _, b := range samples() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		covered, auth, err := mh.Covered(b)
		if err == nil && len(covered)+len(auth) > len(b) {
			t.Fatalf("covers %d octets and %d of %d", len(covered), len(auth), len(b))
		}
		m, err := mh.ParseUnchecked(b)
		if err != nil {
			return
		}
		again := mh.Append(nil, home, ha, m)
		if len(again) > mh.MaxLen {
			return // options that came unaligned need more room when aligned
		}
		back, err := mh.Parse(home, ha, again)
		if err != nil {
			t.Fatalf("own message refused: %v\n in %x\nout %x", err, b, again)
		}
		if !reflect.DeepEqual(m, back) {
			t.Fatalf("read %+v\n got %+v", m, back)
		}
		if twice := mh.Append(nil, home, ha, back); !bytes.Equal(twice, again) {
			t.Fatalf("written %x\n then %x", again, twice)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, c := range benches() {
		buf := mh.Append(nil, home, ha, c.msg)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(buf)))
			for b.Loop() {
				if _, err := mh.Parse(home, ha, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range benches() {
		buf := make([]byte, 0, 256)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf = mh.Append(buf[:0], home, ha, c.msg)
			}
		})
	}
}

type bench struct {
	name string
	msg  mh.Message
}

func benches() []bench {
	return []bench{
		{"bu", &mh.BindingUpdate{Seq: 1, Ack: true, Home: true, Lifetime: time.Minute, Options: mh.Options{AltCareOf: coa}}},
		{"bu-4285", &mh.BindingUpdate{Seq: 1, Ack: true, Home: true, Lifetime: time.Minute, Options: mh.Options{AltCareOf: coa,
			NAI: "mn@home.example", Timestamp: 1, Auth: &mh.Auth{Subtype: mh.AuthMNHA, SPI: 256, Data: make([]byte, mh.AuthLen)}}}},
		{"ba", &mh.BindingAck{Seq: 1, Lifetime: time.Minute}},
		{"fbu", &mh.FastBindingUpdate{Seq: 1, Ack: true, Home: true, Lifetime: time.Minute, Options: mh.Options{AltCareOf: ncoa, FastAuth: badf}}},
		{"hi", &mh.HandoverInitiate{Seq: 1, Buffer: true, Options: handover}},
	}
}

// TestAllocations holds the codec to what it needs: writing into a buffer with room allocates nothing; reading
// allocates the message and what it keeps.
func TestAllocations(t *testing.T) {
	for i, most := range []float64{1, 4, 1, 3, 2} {
		c := benches()[i]
		buf := mh.Append(make([]byte, 0, 256), home, ha, c.msg)
		if n := testing.AllocsPerRun(100, func() { mh.Append(buf[:0], home, ha, c.msg) }); n > 0 {
			t.Errorf("Append of %s: %v allocations", c.name, n)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = mh.Parse(home, ha, buf) }); n > most {
			t.Errorf("Parse of %s: %v allocations, want %v at most", c.name, n, most)
		}
	}
}
