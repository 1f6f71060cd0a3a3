package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/driver"
)

// deployPatience bounds every wait in the deployment tests: registering with standard timers takes some seconds.
const deployPatience = 20 * time.Second

// host is a machine of its own as far as the network goes: a namespace, and a thread that lives in it.
type host struct {
	name  string
	calls chan func()
	ns    int // descriptor of the namespace
}

// newHost makes a host. Its namespace ends when the test and all processes in it have.
func newHost(t *testing.T, name string) *host {
	t.Helper()
	h := &host{name: name, calls: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			h.ns, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		ready <- err
		for f := range h.calls {
			f()
		}
	}()
	if err := <-ready; err != nil {
		t.Skipf("needs network namespaces (root): %v", err)
	}
	t.Cleanup(func() { close(h.calls); unix.Close(h.ns) })
	h.do(t, func() error { return up("lo") })
	return h
}

// do runs f on the host.
func (h *host) do(t *testing.T, f func() error) {
	t.Helper()
	if err := h.try(f); err != nil {
		t.Fatalf("host %s: %v", h.name, err)
	}
}

func (h *host) try(f func() error) error {
	done := make(chan error)
	h.calls <- func() { done <- f() }
	return <-done
}

func (h *host) sysctl(t *testing.T, key, value string) {
	t.Helper()
	h.do(t, func() error { return os.WriteFile("/proc/sys/net/"+key, []byte(value), 0) })
}

// setting reads net.ipv6.conf.
func (h *host) setting(t *testing.T, key string) (value string) {
	t.Helper()
	h.do(t, func() error { value = sysctl("net/ipv6/conf/" + key); return nil })
	return value
}

// addr gives an interface an address, and waits until it works.
func (h *host) addr(t *testing.T, ifname string, addrs ...string) {
	t.Helper()
	h.do(t, func() error {
		l, err := netlink.LinkByName(ifname)
		if err != nil {
			return err
		}
		for _, a := range addrs {
			n, err := netlink.ParseAddr(a)
			if err != nil {
				return err
			}
			if n.IP.To4() == nil {
				n.Flags = unix.IFA_F_NODAD
			}
			if err := netlink.AddrAdd(l, n); err != nil {
				return fmt.Errorf("address %s: %w", a, err)
			}
		}
		return netlink.LinkSetUp(l)
	})
}

func (h *host) route(t *testing.T, dst, via string) {
	t.Helper()
	_, n, err := net.ParseCIDR(dst)
	if err != nil {
		t.Fatal(err)
	}
	h.do(t, func() error { return netlink.RouteAdd(&netlink.Route{Dst: n, Gw: net.ParseIP(via)}) })
}

// held lists IPv6 addresses that are not link-local, ours or the kernel's, and the routes and devices of roam6.
func (h *host) held(t *testing.T) (list []string) {
	t.Helper()
	h.do(t, func() error {
		links, err := netlink.LinkList()
		if err != nil {
			return err
		}
		for _, l := range links {
			if l.Type() == "tun" || l.Type() == "tuntap" {
				list = append(list, "device "+l.Attrs().Name)
			}
			addrs, err := netlink.AddrList(l, unix.AF_INET6)
			if err != nil {
				return err
			}
			for _, a := range addrs {
				if a.IP.IsGlobalUnicast() {
					list = append(list, l.Attrs().Name+" "+a.IPNet.String())
				}
			}
		}
		routes, err := netlink.RouteListFiltered(unix.AF_INET6, &netlink.Route{Protocol: driver.RouteProtocol}, netlink.RT_FILTER_PROTOCOL)
		for _, r := range routes {
			list = append(list, fmt.Sprint("route ", r.Dst))
		}
		return err
	})
	return list
}

// settled tells whether the kernel has done duplicate address detection for all its addresses.
func (h *host) settled(t *testing.T) (done bool) {
	t.Helper()
	h.do(t, func() error {
		addrs, err := netlink.AddrList(nil, unix.AF_INET6)
		done = true
		for _, a := range addrs {
			done = done && a.Flags&unix.IFA_F_TENTATIVE == 0
		}
		return err
	})
	return done
}

// pair joins two hosts by a cable: interface a of one, b of the other.
func pair(t *testing.T, one *host, a string, other *host, b string) {
	t.Helper()
	one.do(t, func() error {
		err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: a}, PeerName: b, PeerNamespace: netlink.NsFd(other.ns)})
		if err != nil {
			return err
		}
		return up(a)
	})
	other.do(t, func() error { return up(b) })
}

func up(ifname string) error {
	l, err := netlink.LinkByName(ifname)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}

// process is a running `roam6 node run`.
type process struct {
	cmd    *exec.Cmd
	log    string
	config string
	done   chan error
	h      *host
}

// deployment is what the hosts of a test have in common: the binary as it is released, and a directory.
type deployment struct {
	t        *testing.T // of the whole: nodes outlive the subtest that started them
	bin, dir string
}

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	if testing.Short() {
		t.Skip("needs half a minute")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, for network namespaces with nodes as a host would have them")
	}
	for _, l := range driver.Missing() {
		t.Skipf("needs %s: %s", l.Name, l.How)
	}
	d := &deployment{t: t, dir: t.TempDir()}
	d.bin = filepath.Join(d.dir, "roam6")
	b := exec.Command("go", "build", "-buildvcs=false", "-o", d.bin, ".")
	b.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := b.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return d
}

// file writes a configuration made of one of examples/, with paths of its own and old replaced by new.
func (d *deployment) file(t *testing.T, example, name string, oldnew ...string) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/" + example)
	if err != nil {
		t.Fatal(err)
	}
	s := string(text)
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(s, oldnew[i]) {
			t.Fatalf("examples/%s has no %q any more", example, oldnew[i])
		}
		s = strings.ReplaceAll(s, oldnew[i], oldnew[i+1])
	}
	role := strings.TrimSuffix(example, ".yaml")
	at := filepath.Join(d.dir, name)
	s = strings.Replace(s, "\nname: "+role+"\n", fmt.Sprintf("\nname: %s\nstate: %s.state\ncontrol: %s.sock\njournal: %s.journal\n", name, at, at, at), 1)
	if !strings.Contains(s, at) {
		t.Fatalf("examples/%s has no line `name: %s`", example, role)
	}
	if err := os.WriteFile(at+".yaml", []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
	return at + ".yaml"
}

// start runs a node on a host and waits until it answers.
func (d *deployment) start(t *testing.T, h *host, config string) *process {
	t.Helper()
	return d.startAs(t, h, config, &syscall.SysProcAttr{})
}

// startAs is start with the rights of somebody else.
func (d *deployment) startAs(t *testing.T, h *host, config string, attr *syscall.SysProcAttr) *process {
	t.Helper()
	p := &process{config: config, log: strings.TrimSuffix(config, ".yaml") + ".log", done: make(chan error, 1), h: h}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p.cmd = exec.Command(d.bin, "node", "run", "-c", config)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	attr.Pdeathsig = syscall.SIGKILL
	p.cmd.SysProcAttr = attr
	h.do(t, p.cmd.Start)
	go func() { p.done <- p.cmd.Wait() }()
	d.t.Cleanup(func() {
		if d.t.Failed() {
			b, _ := d.ctl(p, "stats")
			d.t.Logf("stats of %s:\n%s", p.h.name, b)
		}
		_ = p.cmd.Process.Kill()
		if b, err := os.ReadFile(p.log); err == nil && d.t.Failed() {
			d.t.Logf("log of %s:\n%s", filepath.Base(p.log), tail(b, 6000))
		}
	})
	eventually(t, h.name+" answers", func() bool {
		select {
		case err := <-p.done:
			b, _ := os.ReadFile(p.log)
			t.Fatalf("%s ended at once: %v\n%s", h.name, err, b)
		default:
		}
		_, err := d.ctl(p, "engines")
		return err == nil
	})
	return p
}

func tail(b []byte, n int) []byte {
	if len(b) > n {
		return b[len(b)-n:]
	}
	return b
}

// ctl asks a node as a person would.
func (d *deployment) ctl(p *process, words ...string) ([]byte, error) {
	socket := strings.TrimSuffix(p.config, ".yaml") + ".sock"
	var out, errs bytes.Buffer
	c := exec.Command(d.bin, append([]string{"ctl", "-s", socket}, words...)...)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, &errs)
	}
	return out.Bytes(), nil
}

// look is the view of the node's role.
func look[V any](t *testing.T, d *deployment, p *process, role string) (v V) {
	t.Helper()
	b, err := d.ctl(p, "view")
	views := map[string]V{}
	if err == nil {
		err = json.Unmarshal(b, &views)
	}
	if err != nil {
		t.Fatalf("view: %v\n%s", err, b)
	}
	return views[role]
}

// end stops a node with a signal and waits for it.
func (p *process) end(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.done:
		if s != syscall.SIGKILL && err != nil {
			t.Errorf("%s ended with %v", p.h.name, err)
		}
	case <-time.After(deployPatience):
		t.Fatalf("%s does not end", p.h.name)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(deployPatience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("not after %v: %s", deployPatience, what)
		}
	}
}

// dial opens a socket on the host; the socket stays there whoever uses it.
func (h *host) dial(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	var c net.Conn
	h.do(t, func() (err error) {
		c, err = (&net.Dialer{Timeout: deployPatience}).Dial(network, addr)
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// echo answers on the host what comes by TCP and UDP to a port, and tells from whom UDP came.
func (h *host) echo(t *testing.T, port int) <-chan netip.AddrPort {
	t.Helper()
	var ln net.Listener
	var pc *net.UDPConn
	h.do(t, func() (err error) {
		if ln, err = net.Listen("tcp", fmt.Sprintf("[::]:%d", port)); err != nil {
			return err
		}
		pc, err = net.ListenUDP("udp", &net.UDPAddr{Port: port})
		return err
	})
	t.Cleanup(func() { ln.Close(); pc.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				for {
					n, err := c.Read(buf)
					if n > 0 {
						if _, err := c.Write(buf[:n]); err != nil {
							return
						}
					}
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	from := make(chan netip.AddrPort, 1)
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, a, err := pc.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue // ICMP errors
			}
			select {
			case from <- a:
			default:
			}
			_, _ = pc.WriteToUDPAddrPort(buf[:n], a)
		}
	}()
	return from
}
