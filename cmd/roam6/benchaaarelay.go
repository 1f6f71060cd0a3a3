package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/engine"
	"roam6/machine/peers"
	"roam6/wire/diameter"
)

// freeDiameterPath is where Debian has freeDiameter's extensions.
const freeDiameterPath = "/usr/lib/freeDiameter"

// clockTick is the unit of times in /proc/PID/stat, on every Linux.
const clockTick = 10 * time.Millisecond

// aaaRelayed is what a relay of bench aaa is told: who connects, and who is dialled. Ports are of ::1.
type aaaRelayed struct {
	Port    int            `json:"port"`
	Clients []string       `json:"clients"`
	Servers map[string]int `json:"servers"` // by host: the port; its realm is the host without its first label
}

// relayProcess is a relay in a process of its own.
type relayProcess struct {
	benchProcess
	env []string // nil: that of this process
}

// freePort6 is a port of ::1 that was free just now.
func freePort6() (int, error) {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return 0, fmt.Errorf("the loopback has no IPv6: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (p *relayProcess) start(name string, args ...string) error {
	if err := p.prepare(name, args...); err != nil {
		return err
	}
	p.child.Env, p.child.Stdout = p.env, &p.said
	return p.child.Start()
}

// cpu is the processor time that it has used.
func (p *relayProcess) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.child.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the program's name may have anything in it
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", p.child.Process.Pid, b)
	}
	user, err1 := strconv.Atoi(f[11])
	system, err2 := strconv.Atoi(f[12])
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}

// ourRelay starts this program as a relay.
func ourRelay(c aaaRelayed) (*relayProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	p := &relayProcess{}
	return p, p.start(self, "bench", "aaa-relay", string(text))
}

// theirRelay starts freeDiameterd with a configuration in dir.
func theirRelay(c aaaRelayed, dir string) (*relayProcess, error) {
	text := fmt.Sprintf("Identity = \"%s\";\nRealm = \"%s\";\nPort = %d;\nSecPort = 0;\nNo_SCTP;\nTcTimer = 1;\nLoadExtension = \"%s/acl_wl.fdx\" : \"%s/acl.conf\";\n",
		aaaRelay, aaaTransit, c.Port, freeDiameterPath, dir)
	for host, port := range c.Servers { //order:any — lines of a configuration
		text += fmt.Sprintf("ConnectPeer = \"%s\" { ConnectTo = \"::1\"; Port = %d; No_TLS; No_SCTP; };\n", host, port)
	}
	err := errors.Join(os.WriteFile(filepath.Join(dir, "relay.conf"), []byte(text), 0o600),
		os.WriteFile(filepath.Join(dir, "acl.conf"), []byte("ALLOW_IPSEC "+strings.Join(c.Clients, "\nALLOW_IPSEC ")+"\n"), 0o600))
	if err != nil {
		return nil, err
	}
	p := &relayProcess{}
	return p, p.start("freeDiameterd", "-c", filepath.Join(dir, "relay.conf"), "-q")
}

// aaaRelayCmd is our relay in a process of its own: a node whose one engine is a Diameter node.
func aaaRelayCmd() *cobra.Command {
	return &cobra.Command{
		Use: "aaa-relay JSON", Short: "Be the relay that bench aaa measures", Hidden: true, Args: exactly(1, "what to relay"),
		RunE: work(func(c *cobra.Command, args []string) error {
			var told aaaRelayed
			if err := json.Unmarshal([]byte(args[0]), &told); err != nil {
				return usage(err)
			}
			ctx, cancel := context.WithCancel(c.Context())
			defer cancel()
			go func() { // whoever started us is gone
				_, _ = io.Copy(io.Discard, os.Stdin)
				cancel()
			}()
			return runRelay(ctx, told)
		}),
	}
}

// newRelayEngine makes the relay.
func newRelayEngine(told aaaRelayed) (relayEngine, error) {
	at := func(port int) netip.AddrPort { return netip.AddrPortFrom(netip.IPv6Loopback(), uint16(port)) }
	c := peers.Config{Host: aaaRelay, Realm: aaaTransit, Apps: []peers.App{{ID: diameter.AppRelay}}, Listen: []peers.Listen{{Name: "diameter", At: at(told.Port)}}}
	for _, host := range told.Clients {
		c.Peers = append(c.Peers, peers.Peer{Host: host})
	}
	for host, port := range told.Servers { //order:any — each has a realm of its own
		_, realm, _ := strings.Cut(host, ".")
		c.Peers = append(c.Peers, peers.Peer{Host: host, Realm: realm, At: at(port)})
		c.Routes = append(c.Routes, peers.Route{Realm: realm, Via: []string{host}})
	}
	n, err := peers.New(c, engine.NewRand([32]byte{1}))
	return relayEngine{n}, err
}

func runRelay(ctx context.Context, told aaaRelayed) error {
	relay, err := newRelayEngine(told)
	if err != nil {
		return err
	}
	d, err := driver.New(driver.Config{Name: "relay", Engines: []driver.Engine{{Name: "relay", Engine: relay}}})
	if err != nil {
		return lacks(err)
	}
	return errors.Join(d.Run(ctx), d.Close())
}

// relayEngine is a Diameter node that passes messages on and has nothing to say itself.
type relayEngine struct{ *peers.Node }

// Handle passes messages on.
func (r relayEngine) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	if _, ok := in.(engine.Start); ok {
		r.Start(now, out)
		return
	}
	r.Node.Handle(now, in, out)
}
