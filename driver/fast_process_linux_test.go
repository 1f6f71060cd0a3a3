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
	if os.Getenv(roleEnv) == "fast" {
		os.Exit(playFast())
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
	if err := DropCapabilities(); err != nil && !errors.Is(err, errThreads) {
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
		if !strings.HasPrefix(line, "<nil> [{Inner:2001:db8:1::100/128") || !strings.Contains(line, "Slow:}") {
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
