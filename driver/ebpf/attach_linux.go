package ebpf

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"roam6/plane"
)

// kernel is the programs and maps of one node in the kernel. All of it goes with the process.
type kernel struct {
	objs  fastObjects
	space *os.File          // the network namespace
	links map[int]link.Link // by interface number
	mem   []byte            // the slots, shared
	set   fastSetting
}

// Open loads the programs and attaches them, in the network namespace of the calling thread. It needs CAP_BPF and
// CAP_NET_ADMIN (loading, attaching); what a Fast does later needs neither. The error says what the machine lacks.
func Open(c Config) (*Fast, error) {
	k := &kernel{}
	err := k.load(&c)
	if err == nil {
		err = k.attachAll(c)
	}
	if err != nil {
		return nil, errors.Join(err, k.close())
	}
	return k.fast(c), nil
}

func (k *kernel) fast(c Config) *Fast {
	f := newFast(c, k, unsafe.Slice((*fastSlot)(unsafe.Pointer(&k.mem[0])), c.Paths))
	f.told = k.set
	return f
}

func (k *kernel) load(c *Config) error {
	if c.Paths <= 0 || c.Paths > MaxPaths {
		c.Paths = MaxPaths
	}
	spec, err := loadFast()
	if err != nil {
		return err
	}
	for _, m := range []string{fastMapPaths, fastMapNets, fastMapSlots} {
		spec.Maps[m].MaxEntries = uint32(c.Paths)
	}
	if err := spec.LoadAndAssign(&k.objs, nil); err != nil {
		return lacks("loading the programs", err)
	}
	size := (c.Paths*int(unsafe.Sizeof(fastSlot{})) + unix.Getpagesize() - 1) &^ (unix.Getpagesize() - 1)
	if k.mem, err = unix.Mmap(k.objs.Slots.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("sharing the counters: %w", err)
	}
	k.set.Tun, k.set.Hint = uint32(c.Tun), uint64(plane.HintInterval)
	if err := k.objs.Settings.Put(uint32(0), &k.set); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}

func (k *kernel) attachAll(c Config) (err error) {
	if k.space, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	for _, l := range c.Links {
		if err := k.attach(l.Index, k.objs.Link, ebpf.AttachTCXIngress); err != nil {
			return lacks("attaching to "+l.Name, err)
		}
	}
	if err := k.attach(c.Tun, k.objs.Tun, ebpf.AttachTCXEgress); err != nil {
		return lacks("attaching to the TUN device", err)
	}
	return nil
}

func (k *kernel) attach(index int, p *ebpf.Program, at ebpf.AttachType) error {
	l, err := link.AttachTCX(link.TCXOptions{Interface: index, Program: p, Attach: at})
	if err != nil {
		return err
	}
	if k.links == nil {
		k.links = map[int]link.Link{}
	}
	k.links[index] = l
	return nil
}

// attachLink puts the link program on an interface that has come. An interface is named by its number in the namespace of the
// thread that asks.
func (k *kernel) attachLink(l Link) error {
	attach := func() error { return k.attach(l.Index, k.objs.Link, ebpf.AttachTCXIngress) }
	here, err := os.Stat("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	if there, err := k.space.Stat(); err != nil || os.SameFile(here, there) {
		return errors.Join(err, attach())
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: nobody else gets this thread
		err := unix.Setns(int(k.space.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			err = attach()
		}
		done <- err
	}()
	return <-done
}

// detach lets go of an interface's program, which went with the interface.
func (k *kernel) detach(index int) {
	if l := k.links[index]; l != nil {
		_ = l.Close()
		delete(k.links, index)
	}
}

// Probe says whether this process could open a fast path here, and changes nothing. The error says what the machine lacks.
func Probe() error {
	k := &kernel{}
	defer k.close()
	if err := k.load(&Config{Paths: 1}); err != nil {
		return err
	}
	const loopback = 1 // in every namespace
	_, err := link.QueryPrograms(link.QueryOptions{Target: loopback, Attach: ebpf.AttachTCXIngress})
	if err == nil || errors.Is(err, unix.ENOENT) { // it has none
		return nil
	}
	return lacks("attaching programs", err)
}

// lacks explains a refusal.
func lacks(what string, err error) error {
	var refused *ebpf.VerifierError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("%s: this kernel's verifier refuses them: %w", what, err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s needs CAP_BPF and CAP_NET_ADMIN outside of user namespaces (run as root, or: setcap cap_bpf,cap_net_admin,cap_net_raw+ep on the binary): %w", what, unix.EPERM)
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("%s: this kernel cannot (Linux 6.6 or later with CONFIG_BPF_SYSCALL can, such as Debian 13's): %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func netOf(p netip.Prefix) *fastNet { return &fastNet{Bits: uint32(p.Bits()), Addr: words(p.Addr())} }

func (k *kernel) setPath(p netip.Prefix, v *fastPath) error {
	if p.IsSingleIP() {
		return k.objs.Paths.Put(words(p.Addr()), v)
	}
	return k.objs.Nets.Put(netOf(p), v)
}

func (k *kernel) deletePath(p netip.Prefix) error {
	if p.IsSingleIP() {
		return k.objs.Paths.Delete(words(p.Addr()))
	}
	return k.objs.Nets.Delete(netOf(p))
}

func endOf(slot uint32, x further) *fastEnd {
	return &fastEnd{Slot: slot, Local: words(x.local), Remote: words(x.remote)}
}

func (k *kernel) setEnd(slot uint32, x further) error {
	return k.objs.Ends.Put(endOf(slot, x), &fastTook{})
}

func (k *kernel) deleteEnd(slot uint32, x further) error { return k.objs.Ends.Delete(endOf(slot, x)) }

// took is what came by a further tunnel.
func (k *kernel) took(slot uint32, x further) plane.Count {
	var t fastTook
	_ = k.objs.Ends.Lookup(endOf(slot, x), &t)
	return plane.Count{Packets: t.Packets, Octets: t.Octets}
}

// pairOf is the source and destination of what this node sends straight.
func pairOf(p plane.Pair, side plane.Side) (w [8]uint32) {
	src, dst := words(p.Mobile), words(p.Peer)
	if side == plane.Peer {
		src, dst = dst, src
	}
	copy(w[:], src[:])
	copy(w[4:], dst[:])
	return w
}

func (k *kernel) setPair(p plane.Pair, side plane.Side) error {
	return k.objs.Straight.Put(pairOf(p, side), uint32(1))
}

func (k *kernel) deletePair(p plane.Pair, side plane.Side) error {
	return k.objs.Straight.Delete(pairOf(p, side))
}

func (k *kernel) setLocal(a netip.Addr, in bool) error {
	if !in {
		return k.objs.Locals.Delete(words(a))
	}
	return k.objs.Locals.Put(words(a), uint32(1))
}

func (k *kernel) setSetting(s *fastSetting) error { return k.objs.Settings.Put(uint32(0), s) }

// left counts what the programs left, by reason, over all processors.
func (k *kernel) left() []uint64 {
	out := make([]uint64, len(reasons))
	for i := range out {
		var each []uint64
		if k.objs.Left.Lookup(uint32(i), &each) != nil {
			continue
		}
		for _, n := range each {
			out[i] += n
		}
	}
	return out
}

func (k *kernel) close() error {
	var errs []error
	for _, l := range k.links {
		errs = append(errs, l.Close())
	}
	k.links = nil
	if k.space != nil {
		errs = append(errs, k.space.Close())
		k.space = nil
	}
	if k.mem != nil {
		errs = append(errs, unix.Munmap(k.mem))
		k.mem = nil
	}
	if k.objs.Link != nil {
		errs = append(errs, k.objs.Close())
		k.objs = fastObjects{}
	}
	return errors.Join(errs...)
}
