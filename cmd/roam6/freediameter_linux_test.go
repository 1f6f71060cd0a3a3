package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"roam6/driver"
	"roam6/engine"
	"roam6/machine/peers"
	"roam6/node"
	"roam6/role/ha"
	"roam6/store/subscriber"
	"roam6/store/subscriber/profile"
	"roam6/wire/diameter"
)

// Who is who, as in the bench. freeDiameter stands between the visited network's AAA client and the users' home.
const (
	fdNetwork = "a.example"
	fdClient  = "ar1." + fdNetwork
	fdHome    = "aaah." + aaaRealm
	fdAgent   = "ha." + aaaRealm
	fdUser    = "ann@" + aaaRealm
)

const (
	// fdPatience bounds every wait. freeDiameter asks idle peers after 6 ± 2 s, the least it allows, and dials them anew each second.
	fdPatience = 20 * time.Second
	fdWatched  = time.Minute // several of these intervals
	fdPath     = "/usr/lib/freeDiameter"
)

var (
	fdSecret  = bytes.Repeat([]byte{0x42}, 32)
	fdAgentAt = netip.MustParseAddr("2001:db8:f::a")
	fdLink    = netip.MustParsePrefix("2001:db8:f::/64")
)

// until waits for what another process or goroutine brings about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	untilIn(t, fdPatience, what, ok)
}

func untilIn(t testing.TB, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("never: " + what)
		}
	}
}

// freePort is a port of ::1 that was free just now.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("this host has no IPv6 on its loopback: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func loopbackPort(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.IPv6Loopback(), uint16(port))
}

// freeDiameter is a relay: freeDiameterd with a configuration of the test, a process of its own.
type freeDiameter struct {
	t     *testing.T
	dir   string
	child *exec.Cmd
}

// newFreeDiameter writes its configuration. With TLS both connections are protected from their first octet (RFC 6733 §2.1); without, neither.
func newFreeDiameter(t *testing.T, dir string, port, home int, secure bool) *freeDiameter {
	t.Helper()
	if _, err := exec.LookPath("freeDiameterd"); err != nil {
		t.Skip("no freeDiameterd (apt-get install freediameterd freediameter-extensions)")
	}
	plain, sec, peer, allow := port, 0, "No_TLS;", "ALLOW_IPSEC "
	if secure {
		plain, sec, peer, allow = 0, port, "", ""
	}
	text := fmt.Sprintf("Identity = \"%s\";\nRealm = \"%s\";\nPort = %d;\nSecPort = %d;\nNo_SCTP;\nTwTimer = 6;\nTcTimer = 1;\n", aaaRelay, aaaTransit, plain, sec)
	if secure {
		at := func(name string) string { return filepath.Join(dir, name) }
		text += fmt.Sprintf("TLS_Cred = \"%s\", \"%s\";\nTLS_CA = \"%s\";\n", at(aaaRelay+".pem"), at(aaaRelay+".key"), at("ca.pem"))
	}
	text += fmt.Sprintf("LoadExtension = \"%s/acl_wl.fdx\" : \"%s\";\n", fdPath, filepath.Join(dir, "acl.conf"))
	text += fmt.Sprintf("ConnectPeer = \"%s\" { ConnectTo = \"::1\"; Port = %d; %s No_SCTP; };\n", fdHome, home, peer)
	writeFile(t, filepath.Join(dir, "relay.conf"), text)
	writeFile(t, filepath.Join(dir, "acl.conf"), allow+fdClient+"\n")
	return &freeDiameter{t: t, dir: dir}
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start runs it; what it says is told if the test fails.
func (f *freeDiameter) start() {
	f.t.Helper()
	said := new(bytes.Buffer)
	child := exec.Command("freeDiameterd", "-c", filepath.Join(f.dir, "relay.conf"))
	child.Stdout, child.Stderr = said, said
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := child.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.child = child
	f.t.Cleanup(func() {
		if f.child == child {
			f.end(syscall.SIGKILL)
		}
		if f.t.Failed() {
			f.t.Logf("freeDiameterd:\n%s", said)
		}
	})
}

// end gives it a signal and waits for its end.
func (f *freeDiameter) end(s syscall.Signal) {
	_ = f.child.Process.Signal(s)
	_ = f.child.Wait()
	f.child = nil
}

// tape is what Diameter messages an engine wrote and was given, and what it told.
type tape struct {
	engine.Engine
	mu    sync.Mutex
	parts map[taped][]byte
	list  []tapedMessage
}

type taped struct {
	conn engine.Conn
	out  bool
}

type tapedMessage struct {
	out bool
	raw []byte
}

// Handle passes an input on and notes what goes by.
func (e *tape) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, ok := in.(engine.Stream); ok {
		e.note(taped{s.Conn, false}, s.Data)
	}
	from := len(out.List)
	e.Engine.Handle(now, in, out)
	for _, x := range out.List[from:] {
		if w, ok := x.(engine.Write); ok {
			e.note(taped{w.Conn, true}, w.Data)
		}
	}
}

func (e *tape) note(k taped, data []byte) {
	if e.parts == nil {
		e.parts = map[taped][]byte{}
	}
	rest := append(e.parts[k], data...)
	for {
		raw, more, err := diameter.Next(rest, 0)
		if err != nil || raw == nil {
			break
		}
		e.list = append(e.list, tapedMessage{k.out, slices.Clone(raw)})
		rest = more
	}
	e.parts[k] = slices.Clone(rest)
}

// messages are those of a command, written or given.
func (e *tape) messages(out, request bool, command uint32) (list []diameter.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.list {
		if m, err := diameter.Parse(x.raw); err == nil && x.out == out && m.IsRequest() == request && m.Command == command {
			list = append(list, m)
		}
	}
	return list
}

// asker is a Diameter node that asks what it is commanded to.
type asker struct{ *peers.Node }

// Handle takes commands: ask sends a request, leave takes leave of the peers.
func (a *asker) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start:
		a.Start(now, out)
		return
	case engine.Command:
		if in.Verb == "leave" {
			a.Stop(now, out)
			out.Reply(engine.Reply{ID: in.ID})
		} else if !a.Request(now, out, []byte(in.Args["raw"]), in.ID) {
			out.Reply(engine.Reply{ID: in.ID, Err: "no peer"})
		}
		return
	}
	for _, f := range a.Node.Handle(now, in, out) {
		switch f := f.(type) {
		case peers.Answered:
			out.Reply(engine.Reply{ID: f.Ctx, Data: bytes.Clone(f.Message.Raw)})
		case peers.Unable:
			out.Reply(engine.Reply{ID: f.Ctx, Err: diameter.ResultCode(f.Code).String()})
		}
	}
}

// sockets is a host without links that dials in earnest.
func sockets() driver.Host {
	return &driver.Memory{OnDial: func(ctx context.Context, _ netip.Addr, to netip.AddrPort) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp6", to.String())
	}}
}

// runs runs a node until the test ends. What it tells is shown if the test fails.
func runs(t *testing.T, c driver.Config) *driver.Node {
	t.Helper()
	var mu sync.Mutex
	var told []string
	c.OnEvent = func(at time.Duration, _ string, ev engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprint(at, " ", ev))
	}
	t.Cleanup(func() {
		if mu.Lock(); t.Failed() {
			t.Logf("%s:\n%s", c.Name, strings.Join(told, "\n"))
		}
		mu.Unlock()
	})
	n, err := driver.New(c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }()
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return n
}

// subscribed is a database with one user.
func subscribed(t *testing.T) *subscriber.DB {
	t.Helper()
	at := filepath.Join(t.TempDir(), "subscribers.db")
	db, err := subscriber.Create(at, at+".key")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Add(t.Context(), &profile.Profile{NAI: fdUser, Key: fdSecret, AddressFrom: profile.FromHome, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	return db
}

// fdHomeServer is the home AAA server, made of a configuration as `roam6 node run` makes it, with its database.
func fdHomeServer(t *testing.T, dir string, port, agents int, secure bool) (*tape, *subscriber.DB) {
	t.Helper()
	db := subscribed(t)
	profiles, with := "", ""
	if secure {
		at := func(name string) string { return filepath.Join(dir, name) }
		profiles = fmt.Sprintf("tls: [{name: peers, certificate: %s, key: %s, authorities: %s}]\n", at(fdHome+".pem"), at(fdHome+".key"), at("ca.pem"))
		with = ", tls: peers"
	}
	text := fmt.Sprintf(`name: aaah
%sdatabase: {at: %s}
roles:
  - aaa:
      diameter:
        host: %s
        realm: %s
        listen: [{address: "::1", port: %d%s}, {address: "::1", port: %d}]
        peers: [{host: %s, realm: %s%s}, {host: %s}]
      home:
        partners: [{network: %s, hosts: [%s]}]
        home_agents: [{address: %s, host: %s, prefix: %s, capacity: 10}]
`, profiles, db.Where(), fdHome, aaaRealm, port, with, agents, aaaRelay, aaaTransit, with, fdAgent, fdNetwork, aaaRelay, fdAgentAt, fdAgent, fdLink)
	c, err := node.Parse("aaah.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	engines, err := enginesOf(c, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	own, err := tlsProfiles(c)
	if err != nil {
		t.Fatal(err)
	}
	e := &tape{Engine: engines[0].Engine}
	runs(t, driver.Config{Name: c.Name, Engines: []driver.Engine{{Name: engines[0].Name, Engine: e}}, TLS: own.tls, Query: tables(db)})
	return e, db
}

// fdHomeAgent is the home agent of the realm, a peer of its server alone.
func fdHomeAgent(t *testing.T, port int) *tape {
	t.Helper()
	a, err := ha.New(ha.Config{Address: fdAgentAt, Prefix: fdLink, MaxLifetime: time.Hour, Diameter: &ha.Diameter{Node: peers.Config{Host: fdAgent, Realm: aaaRealm,
		Peers: []peers.Peer{{Host: fdHome, Realm: aaaRealm, At: loopbackPort(port)}}}}}, [32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	e := &tape{Engine: a}
	runs(t, driver.Config{Name: "ha", Host: sockets(), Engines: []driver.Engine{{Name: "ha", Engine: e}}})
	return e
}

// fdAccess is the AAA client's Diameter node.
func fdAccess(t *testing.T, dir string, port int, secure bool) (*tape, *driver.Node) {
	t.Helper()
	peer := peers.Peer{Host: aaaRelay, Realm: aaaTransit, At: loopbackPort(port)}
	c := driver.Config{Name: "ar1", Host: sockets()}
	if secure {
		at := func(name string) string { return filepath.Join(dir, name) }
		own, err := tlsProfiles(&node.Config{TLS: []node.TLSConfig{{Name: "peers", Certificate: at(fdClient + ".pem"), Key: at(fdClient + ".key"), Authorities: at("ca.pem")}}})
		if err != nil {
			t.Fatal(err)
		}
		peer.TLS, c.TLS = "peers", own.tls
	}
	n, err := peers.New(peers.Config{Host: fdClient, Realm: fdNetwork, Apps: []peers.App{{ID: diameter.AppMobileIPv6AAA}, {ID: diameter.AppMobileIPv6AAA, Acct: true}},
		Peers: []peers.Peer{peer}, Routes: []peers.Route{{Realm: "*", Via: []string{aaaRelay}}}}, engine.NewRand([32]byte{3}))
	if err != nil {
		t.Fatal(err)
	}
	e := &tape{Engine: &asker{n}}
	c.Engines = []driver.Engine{{Name: "ar", Engine: e}}
	return e, runs(t, c)
}
