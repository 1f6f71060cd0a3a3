package plane

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
)

// A table is shown as JSON: no key may be of a kind that has no text.
func TestTableIsJSON(t *testing.T) {
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	p := netip.PrefixFrom(a, 128)
	want := Table{
		Links:  map[Port]Link{1: {MTU: 1500}},
		Locals: map[netip.Addr]Local{a: {Port: 1}},
		Hosts:  map[netip.Addr]Host{a: {MTU: 1400}},
		Paths:  map[netip.Prefix]Path{p: {Side: Agent, Mode: Tunnel, Local: a, Remote: b}},
		Ways:   map[WayKey]Way{{Inner: p, ID: 7}: {Local: a, Remote: b}},
		Routes: map[Pair]Route{{Mobile: a, Peer: b}: {CareOf: b}},
		Gates:  map[GateKey]Gate{{From: p, Port: 2}: {Open: true}},
		Meters: map[MeterKey]Meter{{Addr: a, Port: 2}: {}},
		Flows:  map[uint32]Flow{3: {Mark: true, DSCP: 46}},
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Table
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	again, _ := json.Marshal(got)
	if string(again) != string(text) || !reflect.DeepEqual(got.Gates, want.Gates) || !reflect.DeepEqual(got.Meters, want.Meters) || !reflect.DeepEqual(got.Ways, want.Ways) || !reflect.DeepEqual(got.Routes, want.Routes) {
		t.Errorf("%s became %s", text, again)
	}
}

// What is not set is nothing wrong: an Op that deletes may say no more than its key.
func TestEmptyKeys(t *testing.T) {
	for _, want := range []Op{{Way: &WayOp{}}, {Route: &RouteOp{}}, {Gate: &GateOp{}}, {Meter: &MeterOp{}}, {Flow: &FlowOp{}}} {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Op
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %+v", text, err, got)
		}
	}
}

func TestKeysRefused(t *testing.T) {
	for _, s := range []string{"", "x", "2001:db8::1", "2001:db8::1/128", "2001:db8::1/128 x", "2001:db8::1/129 1", "2001:db8::1/128 99999", "2001:db8::1 2147483648", "2001:db8::1 -1"} {
		if (&WayKey{}).UnmarshalText([]byte(s)) == nil {
			t.Errorf("way %q", s)
		}
		if (&Pair{}).UnmarshalText([]byte(s)) == nil {
			t.Errorf("pair %q", s)
		}
		if s != "2001:db8::1/128 99999" && (&GateKey{}).UnmarshalText([]byte(s)) == nil {
			t.Errorf("gate %q", s)
		}
		if (&MeterKey{}).UnmarshalText([]byte(s)) == nil {
			t.Errorf("meter %q", s)
		}
	}
}
