package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/role/aaa"
	"roam6/role/ar"
)

// What an AAA server and an access router show of themselves, as people read it.
func TestViewTables(t *testing.T) {
	views := map[string]any{
		"aaa": aaa.View{Role: "aaa", Host: "aaa.home.example", Realm: "home.example", Sessions: 3, Refused: map[string]int{"authentication-wrong": 2},
			Home: []aaa.AgentView{
				{Address: netip.MustParseAddr("2001:db8:0:1::a"), Host: "ha.home.example", Used: 3, Capacity: 10, Open: true},
				{Address: netip.MustParseAddr("2001:db8:0:1::b"), Host: "ha2.home.example", Capacity: 10, Drained: true}},
			Diameter: peers.View{Host: "aaa.home.example", Realm: "home.example", Peers: []peers.PeerView{{Host: "ha.home.example", State: "i-open", Watch: "okay", Pending: 1, Counts: peers.PeerCounts{In: 7}},
				{Host: "aaa.a.example", State: "closed", Watch: "initial", Reason: "tls-failed"}}}},
		"ar": ar.View{Role: "ar", AAA: &ar.AAAView{Network: "a.example", Sessions: []ar.SessionView{{CoA: "2001:db8:a:1::9", Standing: "admitted", User: "ann@home.example", Ends: engine.Mono(90 * time.Second)}}}},
	}
	text, err := json.Marshal(views)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := viewTables(&out, readable(text, engine.Mono(30*time.Second))); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"aaa: role aaa, host aaa.home.example, realm home.example, sessions 3, visiting 0,",
		"aaa home\n  address          host              used  capacity  drained  open\n",
		"  2001:db8:0:1::b  ha2.home.example  0     10        yes      no\n",
		"aaa refused: authentication-wrong 2\n",
		"aaa diameter peers\n",
		"  ha.home.example  i-open  okay     1        in 7    -\n",
		"  aaa.a.example    closed  initial  0        0       tls-failed\n",
		"ar aaa sessions\n  coa              standing  user              ",
		"  2001:db8:a:1::9  admitted  ann@home.example  1m0s     no\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	for _, c := range []struct{ view, want string }{{`"sent"`, "sent\n"}, {`{}`, ""}, {`{"a":[],"b":{},"c":null,"d":[1,2]}`, "a -, c -, d 1 2\n"}, {`[1]`, "1\n"}} {
		out.Reset()
		if err := viewTables(&out, json.RawMessage(c.view)); err != nil || out.String() != c.want {
			t.Errorf("%s: %q, %v", c.view, &out, err)
		}
	}
	if viewTables(&out, json.RawMessage(`{"a":`)) == nil {
		t.Error("half a view is taken")
	}
}

// Home agents and links may stand alone behind their verbs.
func TestCtlArgs(t *testing.T) {
	for _, c := range []struct {
		verb  string
		words []string
		want  map[string]string
	}{
		{"drain", []string{"2001:db8::a"}, map[string]string{"agent": "2001:db8::a"}},
		{"undrain", []string{"agent=2001:db8::a"}, map[string]string{"agent": "2001:db8::a"}},
		{"link-up", []string{"wlan0", "attachment=x"}, map[string]string{"port": "wlan0", "attachment": "x"}},
		{"view", []string{"wlan0"}, nil},
		{"drain", []string{"2001:db8::a", "2001:db8::b"}, nil},
	} {
		got, err := ctlArgs(c.verb, c.words)
		if (err != nil) != (c.want == nil) || err == nil && !maps.Equal(got, c.want) {
			t.Errorf("%s %v: %v, %v", c.verb, c.words, got, err)
		}
	}
}
