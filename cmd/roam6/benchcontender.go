package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"roam6/driver"
	"roam6/driver/ebpf/yard"
	"roam6/engine"
	"roam6/plane"
)

// What contenders measure with.
const (
	planePings   = 1000
	pingPatience = time.Second
	pingOctets   = 64
	// benchThreads is how many threads of this process may run Go at a time: two nodes and what measures them are in one process, and
	// none is to wait for a thread that it would not share with the others elsewhere.
	benchThreads = 8
)

// contender is one way to forward between cn and mn, in a yard of its own.
type contender struct {
	name  string
	y     *yard.Yard
	node  *driver.Node // the last of ours that was started
	close func() error
}

// agentEngine wants one binding; it holds the packets of its path when told to.
type agentEngine struct{}

// Handle wants the binding.
func (agentEngine) Handle(_ engine.Now, in engine.Input, out *engine.Effects) {
	path := plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: yard.HA, Remote: yard.CoA, Capture: true}
	switch in := in.(type) {
	case engine.Start:
		out.Plane(plane.Op{Local: &plane.LocalOp{Addr: yard.HA, Local: plane.Local{Capture: true}}})
	case engine.Command:
		if in.Verb == "hold" {
			path.Mode, path.Limit = plane.Hold, holdLimit
		}
		out.Reply(engine.Reply{ID: in.ID})
	default:
		return
	}
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(yard.HoA, 128), Path: path}})
}

// Deadline is never.
func (agentEngine) Deadline() (engine.Mono, string) { return engine.Never, "" }

// View is nothing.
func (agentEngine) View() any { return nil }

// both does two things.
func both(first, second func() error) error {
	if err := first(); err != nil {
		return err
	}
	return second()
}

// lineUp starts contenders, each in a yard of its own. Who cannot be there lacks, and why. end takes them down, the last one first.
func lineUp(names []string, starts map[string]func(*contender) error) (ready []*contender, lack map[string]error, end func()) {
	procs := runtime.GOMAXPROCS(benchThreads)
	lack = map[string]error{}
	var ends []func()
	for _, name := range names {
		c := &contender{name: name, close: func() error { return nil }}
		var err error
		if c.y, err = yard.Home(); err == nil {
			ends = append(ends, func() { _ = c.close(); c.y.Close() })
			err = starts[name](c)
		}
		if err != nil {
			lack[name] = fmt.Errorf("%s: %w", name, err)
			continue
		}
		ready = append(ready, c)
	}
	return ready, lack, func() {
		for _, e := range slices.Backward(ends) {
			e()
		}
		runtime.GOMAXPROCS(procs)
	}
}

// run starts our home agent.
func (c *contender) run(how driver.Plane) error {
	return c.start("ha", driver.Config{Name: "ha", Tun: "roam6", Plane: how, Engines: []driver.Engine{{Name: "ha", Engine: agentEngine{}}},
		Links: []driver.Link{{Port: 1, Ifname: "ha0", External: true}, {Port: 2, Ifname: "ha1", External: true}}})
}

// start runs a node in a namespace until the contender is closed.
func (c *contender) start(where string, config driver.Config) error {
	var n *driver.Node
	err := c.y.In(where, func() (err error) {
		n, err = driver.New(config)
		return err
	})
	if err != nil {
		return err
	}
	ended, before := make(chan error, 1), c.close
	go func() { ended <- n.Run(context.Background()) }()
	c.node, c.close = n, func() error { return errors.Join(n.Close(), <-ended, before()) }
	_, err = n.Views(context.Background()) // what its engine wants is there when it answers
	return err
}

// packets is how many packets of a size a second the far end counted, to the mobile node or from it.
func (c *contender) packets(size int, up bool) (float64, error) {
	from, fromIf, src, to, toIf, dst := "ha", "ha0", yard.CN, "mn", "mn0", yard.HoA
	if up {
		from, fromIf, src, to, toIf, dst = "ha", "ha1", yard.HoA, "cn", "cn0", yard.CN
	}
	t, err := c.y.Traffic(from, fromIf, src, dst, size, to, toIf)
	if err != nil {
		return 0, err
	}
	defer t.Close()
	if up && c.name != "plain" {
		if err := t.Tunnelled(yard.CoA, yard.HA); err != nil {
			return 0, err
		}
	}
	took, err := t.Run(planeStream, 0)
	if err != nil {
		return 0, err
	}
	n, err := t.Tally()
	return float64(n.Received) / took.Seconds(), err
}

// tcp is Gb/s of one connection, as its receiver counted them.
func (c *contender) tcp(up bool) (float64, error) {
	var flags []string
	if up {
		flags = []string{"-R"}
	}
	rate, err := c.y.TCP("mn", yard.HoA, "cn", planeTCP, flags...)
	return rate / 1e9, err
}

// roundTrip is the median of UDP round trips between cn and mn, in µs. Both ends block in the kernel, each in a thread of its own, as programs
// of their own would: the scheduler of goroutines, which nodes here share, has no part in their waiting.
func (c *contender) roundTrip() (float64, error) {
	var a, b int
	err := errors.Join(
		c.y.In("mn", func() (err error) { b, err = pingSocket(yard.HoA, 5001); return err }),
		c.y.In("cn", func() (err error) { a, err = pingSocket(yard.CN, 0); return err }))
	if err != nil {
		return 0, err
	}
	defer unix.Close(a)
	if err := unix.Connect(a, &unix.SockaddrInet6{Addr: yard.HoA.As16(), Port: 5001}); err != nil {
		return 0, errors.Join(err, unix.Close(b))
	}
	answered := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(answered)
		defer unix.Close(b)
		for buf := make([]byte, 100); ; {
			n, from, err := unix.Recvfrom(b, buf, 0)
			if errors.Is(err, unix.EINTR) { // the signals of the Go runtime
				continue
			}
			if err != nil || n != pingOctets || unix.Sendto(b, buf[:n], 0, from) != nil {
				return
			}
		}
	}()
	times, err := pings(a)
	_, _ = unix.Write(a, nil) // the other end ends, at the latest when its patience does
	<-answered
	if err != nil {
		return 0, err
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// pingSocket is a UDP socket that blocks, with a limit.
func pingSocket(at netip.Addr, port int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	patience := unix.NsecToTimeval(pingPatience.Nanoseconds())
	err = errors.Join(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience),
		unix.Bind(fd, &unix.SockaddrInet6{Addr: at.As16(), Port: port}))
	if err != nil {
		unix.Close(fd)
	}
	return fd, err
}

// pings measures round trips, in µs.
func pings(fd int) (times []float64, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	buf := make([]byte, 100)
	for range planePings {
		began := time.Now()
		if _, err := unix.Write(fd, buf[:pingOctets]); err != nil {
			return nil, err
		}
		_, err := unix.Read(fd, buf)
		for errors.Is(err, unix.EINTR) { // the signals of the Go runtime
			_, err = unix.Read(fd, buf)
		}
		if err != nil {
			return nil, err
		}
		times = append(times, micros(time.Since(began)))
	}
	return times, nil
}

// turns lets the contenders measure there and back. One that fails once is out of this row.
func turns(list []*contender, lack map[string]error, of func(*contender) (float64, error)) (map[string][]float64, map[string]error) {
	figures, failed := map[string][]float64{}, map[string]error{}
	for n, err := range lack {
		failed[n] = err
	}
	order := slices.Clone(list)
	for range planeTurns {
		for _, c := range order {
			if failed[c.name] != nil {
				continue
			}
			v, err := of(c)
			if err != nil {
				failed[c.name] = err
				continue
			}
			figures[c.name] = append(figures[c.name], v)
		}
		slices.Reverse(order)
	}
	return figures, failed
}
