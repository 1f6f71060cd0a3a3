package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"roam6/driver"
)

// How long and how often bench plane measures. Contenders take turns, there and back (A B C C B A), so that a machine that
// gets slower meanwhile is unfair to none.
const (
	planeTurns  = 8
	planeStream = 200 * time.Millisecond
	planeTCP    = time.Second
)

// planeContenders are who bench plane measures: ours with the fast path and without, the kernel's tunnels, and no tunnel at all.
var planeContenders = map[string]func(*contender) error{
	"ebpf": func(c *contender) error {
		return both(c.y.KernelMobile, func() error { return c.run(driver.PlaneEBPF) })
	},
	"soft": func(c *contender) error {
		return both(c.y.KernelMobile, func() error { return c.run(driver.PlaneSoft) })
	},
	"kernel": kernelTunnels,
	"plain":  func(c *contender) error { return c.y.PlainMobile() },
}

// kernelTunnels has the kernel do both ends.
func kernelTunnels(c *contender) error { return both(c.y.KernelMobile, c.y.KernelAgent) }

// planeRow is one thing measured: by each contender in turn.
type planeRow struct {
	name, unit string
	of         func(c *contender) (float64, error)
	needs      string // a program
}

func planeRows() (list []planeRow) {
	for _, up := range []bool{false, true} {
		way := "to the mobile node"
		if up {
			way = "from the mobile node"
		}
		for _, size := range []int{64, 200, 1400} {
			list = append(list, planeRow{fmt.Sprintf("%d octets %s", size, way), "packets/s",
				func(c *contender) (float64, error) { return c.packets(size, up) }, ""})
		}
		list = append(list, planeRow{"TCP " + way, "Gb/s", func(c *contender) (float64, error) { return c.tcp(up) }, "iperf3"})
	}
	return append(list, planeRow{"round trip", "µs", (*contender).roundTrip, ""})
}

// benchPlane measures a home agent's forwarding: ours with the fast path and without, beside the kernel's tunnels (segment
// routing, SRv6) and beside forwarding without a tunnel. Generator and sink are in the kernel, on the processor that forwards, and their
// cost is in all figures. The kernel does the mobile node's side for all.
func benchPlane(ctx context.Context, f *benchFlags) ([]benchRow, error) {
	ready, lack, end := lineUp([]string{"ebpf", "soft", "kernel", "plain"}, planeContenders)
	defer end()
	var rows []benchRow
	for _, r := range planeRows() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !f.json || onTerminal() {
			fmt.Fprintf(os.Stderr, "%s …\n", r.name)
		}
		missing := ""
		if _, err := exec.LookPath(r.needs); r.needs != "" && err != nil {
			missing = "no " + r.needs + " (apt-get install " + r.needs + ")"
		}
		figures, failed := map[string][]float64{}, lack
		if missing == "" {
			figures, failed = turns(ready, lack, r.of)
		}
		for _, name := range []string{"ebpf", "soft"} {
			for _, peer := range []string{"kernel", "plain"} {
				rows = append(rows, planeRowOf(r, name, peer, figures, failed, missing))
			}
		}
	}
	return rows, nil
}

// peerNames are the peers as rows name them.
var peerNames = map[string]string{"kernel": "kernel tunnels (SRv6)", "plain": "plain forwarding"}

func planeRowOf(r planeRow, name, peer string, figures map[string][]float64, failed map[string]error, missing string) benchRow {
	row := benchRow{Name: name + ", " + r.name, Unit: r.unit, Peer: peerNames[peer], Skipped: missing}
	switch {
	case missing != "":
	case failed[name] != nil:
		row.Skipped = failed[name].Error()
	case failed[peer] != nil:
		row = ours(row.Name, r.unit, slices.Clone(figures[name])...)
		row.Peer, row.Skipped = peerNames[peer], failed[peer].Error()
	default:
		row = beside(row.Name, r.unit, row.Peer, figures[name], figures[peer])
	}
	return row
}

// beside is a row with a peer: its ratio is the median over the turns, and how far they lie apart.
func beside(name, unit, peer string, mine, theirs []float64) benchRow {
	ratios := make([]float64, len(mine))
	for i := range mine {
		ratios[i] = mine[i] / theirs[i]
	}
	slices.Sort(ratios)
	row := ours(name, unit, slices.Clone(mine)...)
	other := slices.Sorted(slices.Values(theirs))
	row.Peer, row.Theirs, row.Ratio, row.RatioMin, row.RatioMax = peer, &other[len(other)/2], &ratios[len(ratios)/2], &ratios[0], &ratios[len(ratios)-1]
	return row
}
