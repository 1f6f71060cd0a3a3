package driver

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"roam6/driver/gate"
	"roam6/engine"
	"roam6/plane"
)

// homing is an engine that owns a care-of address and has a home address for its host.
func homing() *script {
	return &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			out.Plane(localOp(coa, plane.Local{Port: 1}))
			out.Plane(hostOp(hoa, plane.Host{MTU: 1400}))
		}
	}}
}

// startChild runs a node in a process of its own, which kill ends with SIGKILL.
func startChild(t *testing.T, role string) (kill func()) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), roleEnv+"="+role)
	child.Stderr = os.Stderr
	must(t, child.Start())
	kill = sync.OnceFunc(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	t.Cleanup(kill)
	return kill
}

// await waits until something is so.
func await(t *testing.T, lack string, so func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("%s: %q", lack, mine(t))
		}
	}
}

// A node killed with -9 leaves nothing behind, and the next one starts.
func TestKilledNodeLeavesNothing(t *testing.T) {
	fresh(t)
	wire(t)
	kill := startChild(t, "node")
	await(t, "the node never came up", func() bool { return slices.Contains(mine(t), "addr 2001:db8:1::a/128") })
	kill()
	await(t, "something is left behind", func() bool { return len(mine(t)) == 0 })
	n, err := New(Config{Tun: "roam6t", Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true, Engines: []Engine{{"mn", homing()}}})
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }() // on another thread, in another namespace
	if st, err := n.Stats(context.Background()); err != nil || st.Inputs == 0 {
		t.Error("the second node did not start")
	}
	if got, want := mine(t), []string{"addr 2001:db8:1::a/128", "mtu 1400"}; !slices.Equal(got, want) {
		t.Errorf("the second node:\n got %q\nwant %q", got, want)
	}
	must(t, n.Close())
	must(t, <-done)
	if got := mine(t); len(got) > 0 {
		t.Errorf("left behind: %q", got)
	}
}

// Gates in the kernel are their node's: nobody else changes them while it lives, and kill -9 takes them along.
func TestKilledNodeLeavesNoGate(t *testing.T) {
	fresh(t)
	wire(t)
	kill := startChild(t, "router")
	own := gate.Open("roam6-roam6t")
	t.Cleanup(func() { own.Close() })
	take := func() bool {
		err := own.Set("v0", netip.MustParsePrefix("::/0"), true, nil)
		if err == nil {
			must(t, own.Delete("v0", netip.MustParsePrefix("::/0"), nil))
		}
		return err == nil
	}
	await(t, "the node has no gate", func() bool { return !take() })
	kill()
	await(t, "a gate is left behind", take)
}

// gating is an engine that closes a gate.
func gating() *script {
	return &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			out.Plane(plane.Op{Gate: &plane.GateOp{Key: plane.GateKey{From: netip.MustParsePrefix("2001:db8:a::/64"), Port: 1}}})
		}
	}}
}

// roleEnv makes the test binary play another process.
const roleEnv = "ROAM6_DRIVER_TEST_ROLE"

func init() {
	switch os.Getenv(roleEnv) {
	case "node":
		runtime.LockOSThread()
		n, err := New(Config{Tun: "roam6t", Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true, Engines: []Engine{{"mn", homing()}}})
		if err == nil {
			err = n.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case "router":
		runtime.LockOSThread()
		n, err := New(Config{Tun: "roam6t", Links: []Link{{Port: 1, Ifname: "v0"}}, Engines: []Engine{{"ar", gating()}}})
		if err == nil {
			err = n.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case "drop":
		os.Exit(playDrop(false))
	case "drop, low ports":
		os.Exit(playDrop(true))
	}
}

// playDrop drops capabilities and prints those of every thread.
func playDrop(lowPorts bool) int {
	for range 4 {
		go func() { runtime.LockOSThread(); select {} }()
	}
	time.Sleep(10 * time.Millisecond)
	if err := DropCapabilities(true, lowPorts); err != nil {
		fmt.Println(err)
		return 3
	}
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		b, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/status")
		for _, l := range strings.Split(string(b), "\n") {
			if strings.HasPrefix(l, "Cap") || strings.HasPrefix(l, "NoNewPrivs") {
				fmt.Println(strings.Join(strings.Fields(l), " "))
			}
		}
	}
	return 0
}

func TestDropCapabilities(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: there is nothing to drop")
	}
	for role, bits := range map[string]int{"drop": 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW,
		"drop, low ports": 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_NET_BIND_SERVICE} {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), roleEnv+"="+role)
		out, err := child.CombinedOutput()
		if strings.Contains(string(out), errThreads.Error()) {
			t.Skip("needs a test binary without cgo (CGO_ENABLED=0 go test)")
		}
		must(t, err)
		keep := fmt.Sprintf("%016x", bits)
		for _, l := range strings.Split(strings.TrimSpace(string(out)), "\n") {
			switch l {
			case "CapEff: " + keep, "CapPrm: " + keep, "CapBnd: " + keep, "NoNewPrivs: 1":
			case "CapInh: 0000000000000000", "CapAmb: 0000000000000000":
			default:
				t.Errorf("%s: a thread has %s", role, l)
			}
		}
	}
}
