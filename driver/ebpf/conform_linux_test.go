package ebpf

import (
	"bytes"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"roam6/driver/ebpf/yard"
	"roam6/plane"
	"roam6/plane/conform"
)

// tried is a fast path with a plane behind it, and the kernel between them as far as it matters: what comes by the Kernel
// port has been forwarded once, what leaves by it will be.
type tried struct {
	t    testing.TB
	fast *Fast
	soft *plane.Soft
	n    int // packets that were fast
}

// redirected is TC_ACT_REDIRECT.
const redirected = 7

// longest is the largest packet that the kernel runs a program with on request.
const longest = 3000

// rig is a namespace with two links, and routes to everywhere.
type rig struct {
	y     *yard.Yard
	links []Link
	tun   int
	paths int // that find room

	kernel *kernel
	config Config
}

func newRig(t testing.TB) *rig {
	t.Helper()
	y, err := yard.Home()
	if errors.Is(err, unix.EPERM) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{y: y, paths: 64}
	t.Cleanup(func() {
		if r.kernel != nil {
			r.kernel.close()
		}
		y.Close()
	})
	err = errors.Join(
		y.IP("ha", "tuntap add roam6 mode tun", "link set roam6 up", "route add default via "+yard.CoA.String()+" dev ha1",
			"route add 2001:db8:1::/64 dev roam6"), // what is captured
		y.In("ha", func() error {
			for port, name := range map[plane.Port]string{1: "ha0", 2: "ha1"} {
				i, err := net.InterfaceByName(name)
				if err != nil {
					return err
				}
				r.links = append(r.links, Link{Port: port, Name: name, Index: i.Index, HW: plane.HW(i.HardwareAddr)})
			}
			i, err := net.InterfaceByName("roam6")
			if err == nil {
				r.tun = i.Index
			}
			return err
		}))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// open is a fast path in the rig. The next one takes its programs over: to load them takes long.
func (r *rig) open(t testing.TB) *tried {
	t.Helper()
	a := &tried{t: t, soft: plane.NewSoft()}
	err := r.y.Enter("ha") // the programs are run in this thread's namespace
	if r.kernel == nil {
		r.config = Config{Links: r.links, Tun: r.tun, Paths: r.paths}
		r.kernel = &kernel{}
		err = errors.Join(err, r.kernel.load(&r.config)) // not attached: that takes long, and nothing needs it here
	} else {
		err = errors.Join(err, r.kernel.wipe())
	}
	if err != nil {
		t.Fatal(err)
	}
	a.fast = r.kernel.fast(r.config)
	a.fast.Stand(a.soft)
	clear(a.fast.slots)
	return a
}

// wipe empties the maps.
func (k *kernel) wipe() error {
	var errs []error
	for _, m := range []*ebpf.Map{k.objs.Paths, k.objs.Nets, k.objs.Ends, k.objs.Straight, k.objs.Peers, k.objs.Locals} {
		for key := make([]byte, m.KeySize()); m.NextKey(nil, &key) == nil; {
			errs = append(errs, m.Delete(key))
		}
	}
	var each []uint64
	for i := range uint32(len(reasons)) {
		errs = append(errs, k.objs.Left.Lookup(i, &each))
		clear(each)
		errs = append(errs, k.objs.Left.Put(i, each))
	}
	return errors.Join(append(errs, k.setSetting(&k.set))...)
}

func (a *tried) Apply(now time.Duration, op plane.Op, sink *plane.Sink) {
	if a.soft.Refuses(op) != "" { // as the driver does
		a.soft.Apply(now, op, sink)
		return
	}
	a.fast.Before(op)
	a.soft.Apply(now, op, sink)
	a.fast.After(op)
}

func (a *tried) Handle(now time.Duration, port plane.Port, from plane.HW, data []byte, sink *plane.Sink) {
	if out := a.run(port, data); out != nil {
		a.n++
		sink.Out = append(sink.Out, plane.Out{Port: plane.Kernel, Data: out})
		return
	}
	token := a.fast.Seen(plane.Kernel, data) // what is left comes by the TUN
	if token.slot != nil {
		atomic.AddUint64(&token.slot.Slow[token.dir], 1) // as the program there does
	}
	a.soft.Handle(now, port, from, data, sink)
	a.fast.Finished(token)
}

func (a *tried) Meter(k plane.MeterKey) (plane.MeterCount, bool) { return a.soft.Meter(k) }

// run gives a packet to the link program as the link would bring it; nil if it leaves it.
func (a *tried) run(port plane.Port, data []byte) []byte {
	switch {
	case len(data) < ipHeader, data[0]>>4 != 6, len(data) > longest:
		return nil
	case port == plane.Kernel && data[7] == 255:
		return nil
	case (port != plane.Kernel) != (a.fast.sides[0] > 0):
		return nil // a router's kernel forwards what comes, so that it is the Kernel port's; a mobile node's does not
	}
	d := a.fast.doors[max(port, 1)]
	in := append(append(append(d.hw[:], 2, 0, 0, 0, 9, 9), 0x86, 0xdd), data...)
	if port == plane.Kernel {
		in[14+7]++ // the hop into the TUN that the program stands for
	}
	skb := struct {
		_       [10]uint32
		Ifindex uint32 // of struct __sk_buff
	}{Ifindex: d.index}
	o := ebpf.RunOptions{Data: in, DataOut: make([]byte, len(in)+256), Context: skb}
	ret, err := a.fast.kernel.objs.Link.Run(&o)
	if err != nil {
		a.t.Error(err)
		return nil
	}
	if ret != redirected || bytes.Equal(o.DataOut, in) {
		return nil
	}
	out := o.DataOut[14:]
	if port == plane.Kernel {
		out[7]++ // the hop out of it
	}
	return out
}

// TestConform runs the suite of all planes with the fast path in front of Soft.
func TestConform(t *testing.T) {
	r := newRig(t)
	n := 0
	var last *tried
	conform.Run(t, func() conform.Applier {
		if last != nil {
			n += last.n
		}
		last = r.open(t)
		return last
	})
	if t.Logf("%d packets were fast", n); n < 20 {
		t.Errorf("only %d packets were fast", n)
	}
}
