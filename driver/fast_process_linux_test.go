package driver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	tcx "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"roam6/driver/ebpf/yard"
	"roam6/engine"
	"roam6/plane"
)

func init() {
	switch os.Getenv(roleEnv) {
	case "fast":
		os.Exit(playFast())
	case "auto":
		os.Exit(playAuto())
	}
}

// playFast is a home agent with a fast path that gives up its capabilities first and takes a binding then.
func playFast() int {
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			out.Plane(localOp(yard.HA, plane.Local{Capture: true}))
			out.Plane(pathOp(tunnelPath))
		}
	}}
	n, err := New(Config{Tun: "roam6", Plane: PlaneEBPF, Engines: []Engine{{"e", e}}, Links: []Link{{Port: 1, Ifname: "ha0", External: true}}})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if err := DropCapabilities(true, false); err != nil && !errors.Is(err, errThreads) {
		fmt.Println(err)
		return 1
	}
	go func() {
		st, err := n.Stats(context.Background())
		fmt.Printf("%v %+v\n", err, st.Fast.Paths)
	}()
	fmt.Println(n.Run(context.Background()))
	return 1
}

// A home agent with a fast path killed with -9 leaves no program behind, and the next one starts. Bindings reach the programs
// without the capabilities that loading them took.
func TestKilledFastPathLeavesNothing(t *testing.T) {
	y := homeYard(t)
	programs := func() (n int) {
		must(t, y.In("ha", func() error {
			i, err := net.InterfaceByName("ha0")
			if err != nil {
				return err
			}
			r, err := tcx.QueryPrograms(tcx.QueryOptions{Target: i.Index, Attach: ebpf.AttachTCXIngress})
			if errors.Is(err, unix.ENOENT) { // nothing ever was
				return nil
			}
			if err == nil {
				n = len(r.Programs)
			}
			return err
		}))
		return n
	}
	for life := range 2 {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), roleEnv+"=fast")
		out, err := child.StdoutPipe()
		must(t, err)
		must(t, y.In("ha", child.Start))
		line, err := bufio.NewReader(out).ReadString('\n')
		must(t, err)
		if strings.Contains(line, "Linux 6.6") {
			t.Skip(line)
		}
		if !strings.HasPrefix(line, "<nil> [{Inner:2001:db8:1::100/128") || !strings.Contains(line, "Slow: Ways:[]}") {
			t.Errorf("life %d says %s", life, line)
		}
		if n := programs(); n != 1 {
			t.Errorf("life %d: %d programs on the link, want 1", life, n)
		}
		must(t, child.Process.Kill())
		_ = child.Wait()
		for late := time.Now().Add(patience); programs() > 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(late) {
				t.Fatalf("life %d left %d programs", life, programs())
			}
		}
	}
}

// playAuto is a node of a user who is root only in a namespace of their own.
func playAuto() int {
	for _, how := range []Plane{PlaneAuto, PlaneEBPF} {
		n, err := New(Config{Tun: "roam6", Plane: how, Engines: []Engine{{"e", &script{deadline: engine.Never}}}})
		if err != nil {
			fmt.Printf("%s: %v\n", how, err)
			continue
		}
		go n.Run(context.Background())
		st, err := n.Stats(context.Background())
		fmt.Printf("%s: %v %+v\n", how, err, *st.Fast)
		n.Close()
	}
	return 0
}

// A user without any right has no fast path: auto does without and says why, ebpf fails.
func TestFastPathWithoutRights(t *testing.T) {
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), roleEnv+"=auto")
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
	out, err := child.CombinedOutput()
	if errors.Is(err, unix.EPERM) || strings.Contains(string(out), tunDevice) {
		t.Skipf("no user namespace with a TUN device here: %v %s", err, out)
	}
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "auto: <nil> {None:loading the programs needs CAP_BPF") ||
		!strings.HasPrefix(lines[1], "ebpf: driver: ") || !strings.Contains(lines[1], "CAP_BPF") {
		t.Errorf("it says:\n%s", out)
	}
}
