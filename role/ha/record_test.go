package ha

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/mh"
)

var recordNow = engine.Now{Mono: 1000, Wall: time.Unix(1_700_000_000, 0)}

// records are bindings of each kind.
func records() []*binding {
	m := &mobile{hoa: hoa}
	later := func(units int) engine.Mono { return recordNow.Mono.Add(time.Duration(units) * mh.Unit) }
	nets := []netip.Prefix{netip.MustParsePrefix("2001:db8:77::/48"), netip.MustParsePrefix("2001:db8:78:1::/64")}
	list := []careOf{{BID: 1, CoA: coa, Granted: 40 * time.Second, expires: later(9)}, {BID: 300, CoA: coa2, Granted: 8 * time.Second, expires: later(2)}}
	return []*binding{
		{m: m, coa: coa.As16(), Seq: 0xfffe, granted: 65535, expires: later(65535), rest: plain},
		{m: m, coa: coa.As16(), Seq: 1, granted: 10, expires: later(9), rest: &rest{Router: true}},
		{m: m, coa: coa.As16(), granted: 10, expires: later(9), rest: &rest{Router: true, Networks: nets}},
		{m: m, coa: coa.As16(), granted: 10, expires: later(9), rest: &rest{Several: list}},
		{m: m, coa: coa.As16(), granted: 10, expires: later(9), rest: &rest{Router: true, Networks: nets, Several: list}},
	}
}

// TestRecord writes and reads each, cuts them everywhere, and lets time pass.
func TestRecord(t *testing.T) {
	for i, b := range records() {
		v := b.record(recordNow)
		got, err := readRecord(recordNow, b.m, v)
		if err != nil || !reflect.DeepEqual(got, b) {
			t.Errorf("%d: %v\n got %+v\nwant %+v", i, err, got, b)
		}
		for n := range v {
			if got, err := readRecord(recordNow, b.m, v[:n]); err == nil {
				t.Errorf("%d: cut to %d octets it is %+v", i, n, got)
			}
		}
		if _, err := readRecord(recordNow, b.m, append(v, 0)); err == nil {
			t.Errorf("%d: an octet too many", i)
		}
		restarted := engine.Now{Mono: 7, Wall: recordNow.Wall.Add(4 * time.Second)}
		if got, _ := readRecord(restarted, b.m, v); got.expires != restarted.Mono.Add(b.expires.Sub(recordNow.Mono)-4*time.Second) {
			t.Errorf("%d: expires at %d", i, got.expires)
		}
		stepped := engine.Now{Mono: 7, Wall: recordNow.Wall.Add(-time.Hour)}
		if got, _ := readRecord(stepped, b.m, v); got.expires != stepped.Mono.Add(b.Granted()) {
			t.Errorf("%d: a clock stepped back makes it expire at %d", i, got.expires)
		}
	}
}

func FuzzRecord(f *testing.F) {
	for _, b := range records() {
		f.Add(b.record(recordNow))
	}
	m := &mobile{hoa: hoa}
	f.Fuzz(func(t *testing.T, v []byte) {
		b, err := readRecord(recordNow, m, v)
		if err != nil {
			return
		}
		if len(b.Several) > MaxCareOf {
			t.Fatalf("%d care-of addresses", len(b.Several))
		}
		again, err := readRecord(recordNow, m, b.record(recordNow))
		if err != nil || !reflect.DeepEqual(again, b) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, again, b)
		}
	})
}
