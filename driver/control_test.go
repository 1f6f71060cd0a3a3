package driver

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// serve runs a node with one engine that answers with its verb, or an event for "shout".
func serve(t *testing.T) (*Node, string, *script) {
	t.Helper()
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		if c, ok := in.(engine.Command); ok {
			if c.Verb == "shout" {
				out.Event("shouted", engine.S("what", c.Args["what"]))
			}
			b, _ := json.Marshal(c.Verb)
			out.Reply(engine.Reply{ID: c.ID, Data: b})
		}
	}}
	n := begin(t, Config{Name: "x", Host: &Memory{}, Engines: []Engine{{"e", e}}, Links: []Link{{Port: 1, Ifname: "wlan0"}}})
	path := filepath.Join(t.TempDir(), "ctl")
	c, err := Serve(n, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Error("the socket is still there")
		}
	})
	return n, path, e
}

func dial(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestControlAnswers(t *testing.T) {
	_, path, e := serve(t)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info.Mode(), err)
	}
	c := dial(t, path)
	for _, tt := range []struct {
		engine, verb string
		args         map[string]string
		data, err    string
	}{
		{"e", "status", nil, `"status"`, ""},
		{"", "status", nil, `"status"`, ""},
		{"z", "status", nil, ``, `no engine "z"; it has: e`},
		{"", VerbEngines, nil, `["e"]`, ""},
		{"", VerbViews, nil, `{"e":3}`, ""},
		{"", VerbStats, nil, `"packets":0`, ""},
		{"", VerbTable, nil, `"Locals"`, ""},
		{"", VerbLinkUp, map[string]string{"port": "wlan0", "attachment": "ap7"}, `null`, ""},
		{"", VerbLinkDown, map[string]string{"port": "1"}, `null`, ""},
		{"", VerbLinkDown, map[string]string{"port": "eth9"}, ``, "no port \"eth9\"; the node has 1=wlan0"},
		{"", VerbHint, map[string]string{"port": "wlan0", "hw": "02:00:5e:10:00:01", "attachment": "ap8", "in": "200ms"}, `null`, ""},
		{"", VerbHint, map[string]string{"port": "wlan0", "hw": "ap8"}, ``, "the BSSID of the next point of attachment"},
		{"", VerbHint, map[string]string{"port": "wlan0", "hw": "02:00:5e:10:00:01", "in": "soon"}, ``, "a duration is wanted"},
		{"", VerbLinkUp, map[string]string{"port": "wlan0", "hw": "ap7"}, ``, "hw=\"ap7\""},
		{"", VerbLinkUp, map[string]string{"port": "wlan0", "in": "200ms"}, ``, "no argument \"in\""},
		{"", VerbLinkDown, map[string]string{"prot": "1"}, ``, "no argument \"prot\""},
	} {
		r, err := c.Call(context.Background(), tt.engine, tt.verb, tt.args)
		if err != nil {
			t.Fatalf("%s: %v", tt.verb, err)
		}
		if !strings.Contains(string(r.Data), tt.data) || !strings.Contains(r.Err, tt.err) || (tt.err == "") != (r.Err == "") {
			t.Errorf("%s %s %v: %s, %q", tt.engine, tt.verb, tt.args, r.Data, r.Err)
		}
	}
	for i, want := range []engine.Input{
		engine.LinkUp{Port: 1, Attachment: "ap7"}, engine.LinkDown{Port: 1},
		engine.LinkHint{Port: 1, Attachment: "ap8", HW: plane.HW{2, 0, 0x5e, 0x10, 0, 1}, In: 200 * time.Millisecond},
	} {
		if got := e.inputs[len(e.inputs)-3+i]; got != want {
			t.Errorf("the engine was given %+v, want %+v", got, want)
		}
	}
}

func TestControlFollowsEvents(t *testing.T) {
	n, path, _ := serve(t)
	c, orders := dial(t, path), dial(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan Told, 8)
	done := make(chan error, 1)
	go func() { done <- c.Follow(ctx, func(t Told) { got <- t }) }()
	for !n.hub.some.Load() {
		time.Sleep(time.Millisecond)
	}
	if _, err := orders.Call(ctx, "e", "shout", map[string]string{"what": "hey"}); err != nil {
		t.Fatal(err)
	}
	if x := <-got; x.Engine != "e" || x.Event.Name != "shouted" || x.Event.Get("what") != "hey" {
		t.Errorf("told %+v", x)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Follow: %v", err)
	}
}

// Clients that connect and say nothing do not keep others out for long.
func TestControlSilentClients(t *testing.T) {
	t.Parallel()
	_, path, _ := serve(t)
	for range 2 * maxControls {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*helloTimeout)
	defer cancel()
	c := dial(t, path)
	if _, err := c.Call(ctx, "", VerbEngines, nil); err != nil {
		t.Fatal(err)
	}
	time.Sleep(helloTimeout + time.Second) // one that has asked may think
	if _, err := c.Call(ctx, "", VerbEngines, nil); err != nil {
		t.Error(err)
	}
}

func TestControlStops(t *testing.T) {
	n, path, _ := serve(t)
	if _, err := dial(t, path).Call(context.Background(), "", VerbStop, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-n.ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the node runs on")
	}
}

func TestControlSocketOfOthers(t *testing.T) {
	n, path, _ := serve(t)
	if _, err := Serve(n, path); err == nil || !strings.Contains(err.Error(), "a running node answers") {
		t.Errorf("a second server: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Serve(n, file); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("over a file: %v", err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", MaxSocketPath))
	if _, err := Serve(n, long); err == nil || !strings.Contains(err.Error(), "choose a shorter path") {
		t.Errorf("a long path: %v", err)
	}
	stale := filepath.Join(t.TempDir(), "stale")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
	if _, err := Dial(stale); err == nil || !strings.Contains(err.Error(), "no node answers") {
		t.Errorf("Dial: %v", err)
	}
	c, err := Serve(n, stale)
	if err != nil {
		t.Fatalf("over the socket of a killed node: %v", err)
	}
	c.Close()
}

func TestControlRefusesNonsense(t *testing.T) {
	_, path, _ := serve(t)
	for _, in := range []string{"hello\n", `{"id":"x"}` + "\n", strings.Repeat("x", maxRequest+2)} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		go conn.Write([]byte(in))
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, `"err"`) {
			t.Errorf("%.20q: %q, %v", in, line, err)
		}
		conn.Close()
	}
}

// A follower that does not read loses events and learns how many; the others and the loop go on.
func TestSlowFollowerLosesEvents(t *testing.T) {
	var h hub
	slow, leave := h.follow()
	defer leave()
	for range followBacklog + 5 {
		h.publish(Told{})
	}
	for range followBacklog {
		<-slow
	}
	h.publish(Told{})
	if got := <-slow; got.Lost != 5 {
		t.Errorf("lost %d, want 5", got.Lost)
	}
	h.close()
	if _, open := <-slow; open {
		t.Error("the channel outlives the hub")
	}
}

var _ Host = (*Memory)(nil)
