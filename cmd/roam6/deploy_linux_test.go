package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/role/ha"
	"roam6/role/mn"
)

// The addresses of examples/ that the test needs, and those of the hosts it puts around.
const (
	homeAddress = "2001:db8:0:1::100"
	cnAddress   = "2001:db8:c::c"
	echoPort    = 7007
)

// estate is the hosts of examples/README.md, and what they are wired with: a core router in the middle, and an `air` of three
// bridges between which the mobile node's cable is moved.
type estate struct {
	*deployment
	core, air, ha, ar1, ar2, cn, mn *host
}

func newEstate(t *testing.T) *estate {
	e := &estate{deployment: newDeployment(t)}
	for name, h := range map[string]**host{"core": &e.core, "air": &e.air, "ha": &e.ha, "ar1": &e.ar1, "ar2": &e.ar2, "cn": &e.cn, "mn": &e.mn} {
		*h = newHost(t, name)
	}
	for _, h := range []*host{e.core, e.ha, e.ar1, e.ar2} {
		h.sysctl(t, "ipv6/conf/all/forwarding", "1")
	}
	for _, w := range []struct {
		h          *host
		name, core string
		net, addr  string
	}{
		{e.ha, "ha", "2001:db8:f:1::1", "2001:db8:f:1::/64", "2001:db8:f:1::2"},
		{e.ar1, "ar1", "2001:db8:f:2::1", "2001:db8:f:2::/64", "2001:db8:f:2::2"},
		{e.ar2, "ar2", "2001:db8:f:3::1", "2001:db8:f:3::/64", "2001:db8:f:3::2"},
		{e.cn, "cn", "2001:db8:c::1", "2001:db8:c::/64", cnAddress},
	} {
		pair(t, w.h, "eth0", e.core, w.name)
		w.h.addr(t, "eth0", w.addr+"/64")
		e.core.addr(t, w.name, w.core+"/64")
		w.h.route(t, "::/0", w.core)
	}
	e.core.route(t, "2001:db8:0:1::/64", "2001:db8:f:1::2")
	e.core.route(t, "2001:db8:a:1::/64", "2001:db8:f:2::2")
	e.core.route(t, "2001:db8:b:1::/64", "2001:db8:f:3::2")
	e.core.route(t, "2001:db8:c::6275/128", cnAddress)
	for _, w := range []struct {
		h            *host
		cell         string
		addr4, addr6 string
	}{{e.ha, "home", "192.0.2.1/24", "2001:db8:0:1::1/64"}, {e.ar1, "cell1", "192.0.2.2/24", "2001:db8:a:1::1/64"}, {e.ar2, "cell2", "192.0.2.3/24", "2001:db8:b:1::1/64"}} {
		e.air.do(t, func() error {
			if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: w.cell}}); err != nil {
				return fmt.Errorf("a bridge: %w", err)
			}
			return up(w.cell)
		})
		pair(t, w.h, "eth1", e.air, "to-"+w.h.name)
		e.air.do(t, func() error { return enslave("to-"+w.h.name, w.cell) })
		w.h.addr(t, "eth1", w.addr4, w.addr6)
	}
	pair(t, e.mn, "wlan0", e.air, "mn")
	e.mn.addr(t, "wlan0", "192.0.2.10/24")
	// Hosts that have been up for a while: their kernels have all their addresses.
	for _, h := range []*host{e.core, e.ha, e.ar1, e.ar2, e.cn} {
		eventually(t, "the kernel of "+h.name+" has its addresses", func() bool { return h.settled(t) })
	}
	return e
}

// enslave plugs a port into a bridge of this namespace.
func enslave(port, bridge string) error {
	l, err := netlink.LinkByName(port)
	if err != nil {
		return err
	}
	b, err := netlink.LinkByName(bridge)
	if err != nil {
		return err
	}
	return netlink.LinkSetMaster(l, b)
}

// move takes the mobile node to a cell. With carrier, its interface loses the carrier and gets it again; otherwise it notices
// nothing, as where a driver roams by itself.
func (e *estate) move(t *testing.T, cell string, carrier bool) {
	t.Helper()
	e.air.do(t, func() error {
		l, err := netlink.LinkByName("mn")
		if err != nil || !carrier {
			return errors.Join(err, enslave("mn", cell))
		}
		if err := netlink.LinkSetDown(l); err != nil {
			return err
		}
		if err := enslave("mn", cell); err != nil {
			return err
		}
		return netlink.LinkSetUp(l)
	})
}

// registered waits until the mobile node is where it should be: by the prefix of its care-of address, or at home.
func (e *estate) registered(t *testing.T, p *process, prefix string) mn.View {
	t.Helper()
	var v mn.View
	what := "the mobile node is registered with a care-of address in " + prefix
	if prefix == "" {
		what = "the mobile node is at home"
	}
	began := time.Now()
	eventually(t, what, func() bool {
		v = look[mn.View](t, e.deployment, p, "mn")
		if prefix == "" {
			return v.AtHome
		}
		return v.Binding == "bound" && !v.AtHome && strings.HasPrefix(v.CareOf, prefix)
	})
	t.Logf("%s: after %v, sequence %d", what, time.Since(began).Round(10*time.Millisecond), v.Sequence)
	return v
}

// reaches sends a datagram there and back.
func reaches(t *testing.T, h *host, to string) {
	t.Helper()
	c := h.dial(t, "udp", net.JoinHostPort(to, fmt.Sprint(echoPort)))
	defer c.Close()
	eventually(t, h.name+" reaches "+to, func() bool {
		_, _ = c.Write([]byte("are you there"))
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := c.Read(make([]byte, 100))
		return err == nil && n == 13
	})
}

// stream is a TCP connection that is written to and read from all the time; what comes back is compared.
type stream struct {
	c      net.Conn
	back   atomic.Int64 // octets that have come back
	failed chan error
	stop   chan struct{}
}

func newStream(t *testing.T, h *host, to string) *stream {
	t.Helper()
	s := &stream{c: h.dial(t, "tcp", net.JoinHostPort(to, fmt.Sprint(echoPort))), failed: make(chan error, 2), stop: make(chan struct{})}
	go func() {
		noise, buf := rand.NewChaCha8([32]byte{6}), make([]byte, 8<<10)
		for {
			select {
			case <-s.stop:
				s.failed <- s.c.(*net.TCPConn).CloseWrite()
				return
			case <-time.After(5 * time.Millisecond):
			}
			noise.Read(buf)
			if _, err := s.c.Write(buf); err != nil {
				s.failed <- err
				return
			}
		}
	}()
	go func() {
		noise, want, got := rand.NewChaCha8([32]byte{6}), make([]byte, 8<<10), make([]byte, 8<<10)
		for {
			n, err := io.ReadFull(s.c, got)
			noise.Read(want)
			if !bytes.Equal(got[:n], want[:n]) {
				err = fmt.Errorf("other octets came back than were sent, after %d", s.back.Load())
			}
			s.back.Add(int64(n))
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				s.failed <- err
				return
			}
		}
	}()
	return s
}

// flows waits until half a megabyte more has come back.
func (s *stream) flows(t *testing.T, when string) {
	t.Helper()
	from := s.back.Load()
	eventually(t, "TCP flows "+when, func() bool {
		select {
		case err := <-s.failed:
			t.Fatalf("TCP %s: %v", when, err)
		default:
		}
		return s.back.Load() > from+1<<19
	})
}

func (s *stream) close(t *testing.T) {
	t.Helper()
	close(s.stop)
	for range 2 {
		select {
		case err := <-s.failed:
			if err != nil {
				t.Errorf("TCP: %v", err)
			}
		case <-time.After(deployPatience):
			t.Fatal("the TCP connection does not close")
		}
	}
	t.Logf("TCP: %d octets there and back", s.back.Load())
}

// TestDeployHook: a radio that changes cells without losing the carrier tells by the hook; and a kernel that keeps its IPv6 on
// the link of a mobile node is no harm if it makes no addresses.
func TestDeployHook(t *testing.T) {
	e := newEstate(t)
	e.start(t, e.ha, e.file(t, "ha.yaml", "ha"))
	e.start(t, e.ar1, e.file(t, "ar.yaml", "ar1"))
	e.start(t, e.ar2, e.file(t, "ar.yaml", "ar2", "2001:db8:a:1::", "2001:db8:b:1::"))
	c := e.start(t, e.cn, e.file(t, "cn.yaml", "cn"))
	e.cn.sysctl(t, "ipv6/conf/all/forwarding", "1")
	e.cn.echo(t, echoPort)
	e.mn.echo(t, echoPort)
	e.mn.sysctl(t, "ipv6/conf/wlan0/accept_ra", "0")
	m := e.start(t, e.mn, e.file(t, "mn.yaml", "mn", "{name: wlan0, port: 1, preference: 1}", "{name: wlan0, port: 1, hook: true, kernel: on}"))
	for i, to := range []struct{ cell, prefix string }{{"cell1", "2001:db8:a:1:"}, {"cell2", "2001:db8:b:1:"}, {"home", ""}, {"cell2", "2001:db8:b:1:"}} {
		if i > 0 {
			e.tell(t, m, "link-down", "wlan0")
		}
		e.move(t, to.cell, false)
		e.tell(t, m, "link-up", "wlan0", "attachment="+to.cell)
		e.registered(t, m, to.prefix)
		reaches(t, e.mn, cnAddress)
		reaches(t, e.cn, homeAddress)
	}
	ping(t, e.mn, "2001:db8:c::6275", 56, 1352) // the correspondent's role answers, not its kernel
	if v := look[map[string]string](t, e.deployment, c, "cn"); v["address"] != "2001:db8:c::6275" {
		t.Errorf("view of the correspondent: %v", v)
	}
	m.end(t, syscall.SIGTERM)
	if e.mn.setting(t, "wlan0/disable_ipv6") != "0" {
		t.Error("IPv6 of a shared link was switched off")
	}
}

func (e *estate) tell(t *testing.T, p *process, words ...string) {
	t.Helper()
	if b, err := e.ctl(p, words...); err != nil {
		t.Fatalf("ctl %v: %v\n%s", words, err, b)
	}
}

// TestDeployRefuses: what is wrong is said before anything is touched, with the status that says whose fault it is.
func TestDeployRefuses(t *testing.T) {
	d := newDeployment(t)
	h, other := newHost(t, "mn"), newHost(t, "other")
	pair(t, h, "wlan0", other, "peer")
	good := d.file(t, "mn.yaml", "mn")
	plain := func(*exec.Cmd) {}
	for name, c := range map[string]struct {
		config string
		before func()
		status int
		says   []string
	}{
		"key that is too short": {d.file(t, "mn.yaml", "short", "bdc9f19f5ca2f1f75178175d6f253447441dcfb0", "bdc9"), nil,
			exitUsage, []string{"short.yaml:", "out_key", "(hidden)", "20 or 36 octets"}},
		"unknown key": {d.file(t, "mn.yaml", "unknown", "lifetime: 420s", "lifetme: 420s"), nil, exitUsage, []string{"unknown.yaml:", "lifetme"}},
		"no such interface": {d.file(t, "mn.yaml", "iface", "name: wlan0", "name: wlan7"), nil,
			exitLacks, []string{`no interface "wlan7"; this machine has: wlan0`}},
		"rival": {d.file(t, "mn.yaml", "rival", "port: 1, preference: 1", "port: 1, kernel: on"), nil,
			exitLacks, []string{"link wlan0 has kernel: on", "sysctl net.ipv6.conf.wlan0.accept_ra=0"}},
		"address set by hand": {good, func() { h.addr(t, "wlan0", "2001:db8:a:1::5/64") },
			exitLacks, []string{"interface wlan0 holds 2001:db8:a:1::5/64, set by hand"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.before != nil {
				c.before()
			}
			d.refused(t, h, c.config, plain, c.status, c.says...)
		})
	}
	t.Run("no capability", func(t *testing.T) {
		// A user who may read the file and run the program, and no more.
		must(errors.Join(os.Chmod(filepath.Dir(d.dir), 0o755), os.Chmod(d.dir, 0o755), os.Chmod(good, 0o644)))
		d.refused(t, h, good, func(c *exec.Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}, exitLacks, "CAP_NET_ADMIN is missing", "CAP_NET_RAW is missing", "run as root, or: setcap cap_net_admin,cap_net_raw+ep")
	})
	t.Run("no TUN", func(t *testing.T) {
		bare := newHost(t, "bare")
		bare.do(t, emptyDevNet)
		d.refused(t, bare, good, plain, exitLacks, "/dev/net/tun is missing", "modprobe tun")
	})
}

// TestDeployAsUser: a user of its own with two capabilities, as examples/systemd runs it, is enough.
func TestDeployAsUser(t *testing.T) {
	d := newDeployment(t)
	h, other := newHost(t, "mn"), newHost(t, "other")
	pair(t, h, "wlan0", other, "peer")
	h.do(t, func() error { // a TUN device for everybody, as udev makes it
		const tun = "/dev/net/tun"
		return errors.Join(emptyDevNet(), unix.Mknod(tun, unix.S_IFCHR, int(unix.Mkdev(10, 200))), os.Chmod(tun, 0o666))
	})
	config := d.file(t, "mn.yaml", "mn")
	const nobody = 65534
	must(errors.Join(os.Chmod(filepath.Dir(d.dir), 0o755), os.Chown(d.dir, nobody, nobody), os.Chown(config, nobody, nobody)))
	p := d.startAs(t, h, config, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody},
		AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW}})
	p.humble(t, false)
	if h.setting(t, "wlan0/disable_ipv6") != "1" {
		t.Error("IPv6 of the kernel is on")
	}
	p.end(t, syscall.SIGTERM)
	if left := h.held(t); len(left) > 0 || h.setting(t, "wlan0/disable_ipv6") != "0" {
		t.Errorf("left: %q; or IPv6 is off", left)
	}
}

// emptyDevNet gives the calling thread a /dev/net of its own, with nothing in it.
func emptyDevNet() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return err
	}
	return errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("none", "/dev/net", "tmpfs", 0, "mode=755"))
}

// refused runs a node that must end at once, with a status and words.
func (d *deployment) refused(t *testing.T, h *host, config string, set func(*exec.Cmd), status int, says ...string) {
	t.Helper()
	c := exec.Command(d.bin, "node", "run", "-c", config)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	set(c)
	h.do(t, c.Start)
	timer := time.AfterFunc(deployPatience, func() { _ = c.Process.Kill() })
	defer timer.Stop()
	_ = c.Wait()
	if c.ProcessState.ExitCode() != status {
		t.Errorf("exit status %d, want %d\n%s", c.ProcessState.ExitCode(), status, &out)
	}
	for _, s := range says {
		if !strings.Contains(out.String(), s) {
			t.Errorf("it does not say %q:\n%s", s, &out)
		}
	}
	if v := h.setting(t, "wlan0/disable_ipv6"); v == "1" {
		t.Error("IPv6 on wlan0 was switched off all the same")
	}
}

// TestDeploy runs the files of examples/ as nodes of real hosts, and lives through what hosts do: moves, kills, restarts.
//
// spec MIP-01 MIP-02
func TestDeploy(t *testing.T) {
	e := newEstate(t)
	ha1 := e.start(t, e.ha, e.file(t, "ha.yaml", "ha"))
	ar1 := e.start(t, e.ar1, e.file(t, "ar.yaml", "ar1"))
	ar2 := e.start(t, e.ar2, e.file(t, "ar.yaml", "ar2", "2001:db8:a:1::", "2001:db8:b:1::"))
	e.move(t, "cell1", true)
	eventually(t, "the mobile node's kernel has made itself an address", func() bool { return len(e.mn.held(t)) > 0 })

	config := e.file(t, "mn.yaml", "mn")
	m := e.start(t, e.mn, config)
	if e.mn.setting(t, "wlan0/disable_ipv6") != "1" || slices.ContainsFunc(e.mn.held(t), func(s string) bool { return strings.HasPrefix(s, "wlan0") }) {
		t.Error("the kernel of the mobile node still speaks IPv6 on wlan0")
	}
	seen := e.cn.echo(t, echoPort)
	e.mn.echo(t, echoPort)
	e.ar1.echo(t, echoPort)
	e.registered(t, m, "2001:db8:a:1:")
	reaches(t, e.mn, cnAddress)
	if from := (<-seen).Addr(); from != netip.MustParseAddr(homeAddress) {
		t.Errorf("the correspondent sees %v, want the home address", from)
	}
	reaches(t, e.cn, homeAddress)
	reaches(t, e.mn, "192.0.2.2") // IPv4 on the same link
	t.Run("path MTU", func(t *testing.T) { e.pathMTU(t) })
	ping(t, e.mn, cnAddress, 56, 1412, 3000)

	tcp, rev := newStream(t, e.mn, cnAddress), newStream(t, e.cn, homeAddress)
	both := func(when string) { t.Helper(); tcp.flows(t, when); rev.flows(t, when+", correspondent to mobile node") }
	both("before any move")
	e.move(t, "cell2", true)
	e.registered(t, m, "2001:db8:b:1:")
	both("after the first move")
	e.move(t, "home", true)
	e.registered(t, m, "")
	both("at home")
	e.move(t, "cell1", true)
	e.registered(t, m, "2001:db8:a:1:")
	both("away again")

	t.Run("privileges", func(t *testing.T) {
		for _, p := range []*process{ha1, ar1, m} {
			p.humble(t, true)
		}
	})
	t.Run("ctl", func(t *testing.T) { e.asks(t, ha1, m) })
	t.Run("home agent restarts", func(t *testing.T) {
		ha1 = e.restart(t, ha1, syscall.SIGTERM)
		both("after the home agent's restart")
		ha1 = e.restart(t, ha1, syscall.SIGKILL)
		both("after the home agent was killed")
	})
	t.Run("mobile node is killed", func(t *testing.T) {
		before := look[mn.View](t, e.deployment, m, "mn").Sequence
		m.end(t, syscall.SIGKILL)
		if left := e.mn.held(t); len(left) > 0 {
			t.Errorf("left by the killed node: %q", left)
		}
		m = e.start(t, e.mn, config)
		if after := e.registered(t, m, "2001:db8:a:1:").Sequence; after <= before {
			t.Errorf("sequence number %d after %d", after, before)
		}
		both("after the mobile node was killed")
	})
	tcp.close(t)
	rev.close(t)

	for _, p := range []*process{m, ar1, ar2, ha1} {
		p.end(t, syscall.SIGTERM)
		for _, s := range p.h.held(t) {
			if !strings.HasPrefix(s, "eth") && !strings.HasPrefix(s, "wlan0") {
				t.Errorf("%s has left: %s", p.h.name, s)
			}
		}
		e.replays(t, p)
	}
	if e.mn.setting(t, "wlan0/disable_ipv6") != "0" {
		t.Error("IPv6 of the kernel is still off on wlan0, after a kill and a good end")
	}
}

// pathMTU sends packets as large as the correspondent's own link takes: it learns what fits from Packet Too Big.
//
// spec MIP-06
func (e *estate) pathMTU(t *testing.T) {
	c := e.cn.dial(t, "udp", net.JoinHostPort(homeAddress, fmt.Sprint(echoPort))).(*net.UDPConn)
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	control := func(f func(fd int) error) {
		t.Helper()
		if err := raw.Control(func(fd uintptr) { err = f(int(fd)) }); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	mtu := func() (n int) {
		t.Helper()
		control(func(fd int) (err error) {
			n, err = unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU)
			return err
		})
		return n
	}
	control(func(fd int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DO)
	})
	const headers = 40 + 8
	if mtu() != 1500 {
		t.Fatalf("the correspondent begins with an MTU of %d", mtu())
	}
	eventually(t, "the correspondent learns the path MTU", func() bool {
		_, _ = c.Write(make([]byte, mtu()-headers))
		return mtu() != 1500
	})
	// What the tunnel takes: 40 octets of outer header (RFC 2473).
	if got := mtu(); got != 1460 {
		t.Errorf("path MTU %d, want 1460", got)
	}
	full, n := make([]byte, mtu()-headers), 0
	binary.BigEndian.PutUint32(full, 0x6275)
	eventually(t, "a packet of the path MTU comes back", func() bool {
		_, _ = c.Write(full)
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		buf := make([]byte, 2000)
		n, err = c.Read(buf)
		return err == nil && bytes.Equal(buf[:n], full)
	})
	if _, err := c.Write(make([]byte, mtu()-headers+1)); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("a packet that is too large by one: %v", err)
	}
}

// ping is the program, where there is one: checksums and sizes of ICMPv6 as the kernel makes them.
func ping(t *testing.T, h *host, to string, sizes ...int) {
	t.Helper()
	path, err := exec.LookPath("ping")
	if err != nil {
		t.Log("no ping here; UDP and TCP must do")
		return
	}
	for _, size := range sizes {
		c := exec.Command(path, "-6", "-c", "3", "-i", "0.2", "-W", "3", "-s", fmt.Sprint(size), to)
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		h.do(t, c.Start)
		if err := c.Wait(); err != nil {
			t.Errorf("ping of %d octets: %v\n%s", size, err, &out)
		}
	}
}

// humble checks that a node has kept two capabilities in every thread, and listens to nobody but its control socket.
// bounded: the bounding set too, which only root may change.
func (p *process) humble(t *testing.T, bounded bool) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	tasks, err := os.ReadDir(dir + "task")
	if err != nil {
		t.Fatal(err)
	}
	keep := fmt.Sprintf("%016x", 1<<unix.CAP_NET_ADMIN|1<<unix.CAP_NET_RAW)
	for _, task := range tasks {
		b, _ := os.ReadFile(dir + "task/" + task.Name() + "/status")
		for _, want := range []string{"CapEff:\t" + keep, "CapPrm:\t" + keep, "CapBnd:\t" + keep, "CapAmb:\t0000000000000000", "NoNewPrivs:\t1"} {
			if strings.HasPrefix(want, "CapBnd") && !bounded {
				continue
			}
			if !strings.Contains(string(b), want+"\n") {
				t.Errorf("%s, thread %s has no %q in\n%s", p.h.name, task.Name(), want, b)
			}
		}
	}
	fds, err := os.ReadDir(dir + "fd")
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, fd := range fds {
		if to, err := os.Readlink(dir + "fd/" + fd.Name()); err == nil && strings.HasPrefix(to, "socket:[") {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6", "udplite6", "raw", "raw6"} {
		b, _ := os.ReadFile(dir + "net/" + table)
		for _, l := range strings.Split(string(b), "\n") {
			if f := strings.Fields(l); len(f) > 9 && own[f[9]] {
				t.Errorf("%s has a %s socket: %s", p.h.name, table, l)
			}
		}
	}
	info, err := os.Stat(strings.TrimSuffix(p.config, ".yaml") + ".sock")
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("control socket: %v, %v", info, err)
	}
}

// asks uses the verbs that every node answers.
func (e *estate) asks(t *testing.T, agent, mobile *process) {
	v := look[ha.View](t, e.deployment, agent, "ha")
	if len(v.Bindings) != 1 || v.Bindings[0].HomeAddress != homeAddress || !strings.HasPrefix(v.Bindings[0].CareOf, "2001:db8:a:1:") {
		t.Errorf("bindings: %+v", v.Bindings)
	}
	for verb, want := range map[string]string{"stats": `"inputs"`, "table": homeAddress, "engines": `"mn"`} {
		if b, err := e.ctl(mobile, verb); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("ctl %s: %v\n%s", verb, err, b)
		}
	}
	events := exec.Command(e.bin, "ctl", "-s", strings.TrimSuffix(mobile.config, ".yaml")+".sock", "events")
	out, err := events.StdoutPipe()
	if err != nil || events.Start() != nil {
		t.Fatal(err)
	}
	defer events.Wait()
	defer events.Process.Kill()
	heard := make(chan string, 1)
	go func() {
		buf, all := make([]byte, 4096), ""
		for {
			n, err := out.Read(buf)
			all += string(buf[:n])
			if err != nil || strings.Contains(all, "mn ") && strings.Contains(all, "\n") {
				heard <- all
				return
			}
		}
	}()
	eventually(t, "ctl events tells of a refresh", func() bool {
		if b, err := e.ctl(mobile, "refresh"); err != nil {
			t.Fatalf("refresh: %v\n%s", err, b)
		}
		select {
		case s := <-heard:
			return strings.Contains(s, "mn ")
		case <-time.After(300 * time.Millisecond):
			return false
		}
	})
	_, err = e.ctl(mobile, "dance")
	if err == nil || !strings.Contains(err.Error(), "exit status 2") || !strings.Contains(err.Error(), "unknown verb dance") {
		t.Errorf("an unknown verb: %v", err)
	}
}

// restart ends a home agent and starts it again: it knows its bindings from its store.
func (e *estate) restart(t *testing.T, agent *process, s syscall.Signal) *process {
	t.Helper()
	before := look[ha.View](t, e.deployment, agent, "ha").Bindings
	agent.end(t, s)
	for _, left := range agent.h.held(t) {
		if !strings.HasPrefix(left, "eth") {
			t.Errorf("left by %v: %s", s, left)
		}
	}
	e.replays(t, agent)
	agent = e.start(t, agent.h, agent.config)
	after := look[ha.View](t, e.deployment, agent, "ha").Bindings
	if len(after) != 1 || after[0].CareOf != before[0].CareOf || after[0].Sequence < before[0].Sequence {
		t.Errorf("bindings after %v: %+v, before: %+v", s, after, before)
	}
	return agent
}

// replays runs a node's journal again.
func (e *estate) replays(t *testing.T, p *process) {
	t.Helper()
	out, err := exec.Command(e.bin, "replay", strings.TrimSuffix(p.config, ".yaml")+".journal", "-c", p.config).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "gave the same") {
		t.Errorf("replay of %s: %v\n%s", p.h.name, err, tail(out, 3000))
	}
}
