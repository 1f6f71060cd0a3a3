package yard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// burst is how many packets one call makes where none waits for another.
const burst = 1 << 18

// Traffic is a generator whose packets appear on an interface as if they had come by it, and a sink on another. They are
// numbered, so that the sink sees which are lost or late.
type Traffic struct {
	y       *Yard
	objs    trafficObjects
	at      link.Link
	from    string
	index   uint32
	pattern []byte
}

// Tally is what the generator made and what the sink saw of it.
type Tally struct {
	Sent, Received, Octets, Late, Wrong uint64
}

// Traffic makes UDP packets of size octets in all from an address to another appear on an interface, and counts them on
// another. Both are named as NAMESPACE and interface.
func (y *Yard) Traffic(from, fromIf string, src, dst netip.Addr, size int, to, toIf string) (*Traffic, error) {
	t := &Traffic{y: y, from: from}
	if err := loadTrafficObjects(&t.objs, nil); err != nil {
		return nil, fmt.Errorf("traffic: %w", err)
	}
	err := y.In(to, func() error {
		i, err := net.InterfaceByName(toIf)
		if err != nil {
			return err
		}
		t.at, err = link.AttachTCX(link.TCXOptions{Interface: i.Index, Program: t.objs.Sink, Attach: ebpf.AttachTCXIngress, Anchor: link.Head()})
		return err
	})
	if err == nil {
		err = y.In(from, func() error {
			i, err := net.InterfaceByName(fromIf)
			if err != nil {
				return err
			}
			t.index = uint32(i.Index)
			return t.set(pattern(i.HardwareAddr, src, dst, size))
		})
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// set makes b the packet that is generated.
func (t *Traffic) set(b []byte) error {
	var h trafficHead
	head := make([]byte, 8*len(h.Words))
	copy(head, b)
	for i := range h.Words {
		h.Words[i] = binary.NativeEndian.Uint64(head[8*i:])
	}
	t.pattern = b
	return t.objs.Heads.Put(uint32(0), &h)
}

// pattern is an Ethernet frame with a UDP packet of size octets.
func pattern(to net.HardwareAddr, src, dst netip.Addr, size int) []byte {
	b := make([]byte, 14+size)
	copy(b, to)
	b[6] = 2
	binary.BigEndian.PutUint16(b[12:], unix.ETH_P_IPV6)
	ip := b[14:]
	ip[0], ip[6], ip[7] = 0x60, unix.IPPROTO_UDP, 64
	binary.BigEndian.PutUint16(ip[4:], uint16(size-40))
	copy(ip[8:], src.AsSlice())
	copy(ip[24:], dst.AsSlice())
	binary.BigEndian.PutUint16(ip[40:], 7000)
	binary.BigEndian.PutUint16(ip[42:], 7001)
	binary.BigEndian.PutUint16(ip[44:], uint16(size-40))
	ip[46], ip[47] = 0xff, 0xff // nobody looks
	return b
}

// Tunnelled puts the pattern into a tunnel: the generator then is a mobile node.
func (t *Traffic) Tunnelled(src, dst netip.Addr) error {
	inner := t.pattern[14:]
	out := append(append([]byte(nil), t.pattern[:14]...), make([]byte, 40)...)
	ip := out[14:]
	ip[0], ip[6], ip[7] = 0x60, unix.IPPROTO_IPV6, 64
	binary.BigEndian.PutUint16(ip[4:], uint16(len(inner)))
	copy(ip[8:], src.AsSlice())
	copy(ip[24:], dst.AsSlice())
	return t.set(append(out, inner...))
}

// Run makes packets for a time: rate of them a second, or as many as the processor can for 0. It gives how long it took. The
// counters begin anew.
func (t *Traffic) Run(length time.Duration, rate int) (took time.Duration, err error) {
	c, n, batch := trafficTally{}, burst, uint32(0)
	if rate > 0 { // by one call: to begin and end one takes milliseconds
		c.Gap, n, batch = uint64(time.Second)/uint64(rate), int(length.Seconds()*float64(rate)), 1
	}
	if err := t.objs.Tallies.Put(uint32(0), &c); err != nil {
		return 0, err
	}
	err = t.y.In(t.from, func() error {
		began := time.Now()
		for {
			_, err := t.objs.Number.Run(&ebpf.RunOptions{
				Data: t.pattern, Repeat: uint32(n), BatchSize: batch, Flags: unix.BPF_F_TEST_XDP_LIVE_FRAMES,
				Context: struct{ Data, DataEnd, Meta, Ingress, Queue, Egress uint32 }{DataEnd: uint32(len(t.pattern)), Ingress: t.index},
			})
			if took = time.Since(began); err != nil {
				return fmt.Errorf("generating packets (Linux 5.18 or later can): %w", err)
			}
			if rate > 0 || took >= length {
				return nil
			}
		}
	})
	return took, err
}

// Tally reads the counters.
func (t *Traffic) Tally() (Tally, error) {
	var c trafficTally
	err := t.objs.Tallies.Lookup(uint32(0), &c)
	return Tally{c.Sent, c.Received, c.Octets, c.Late, c.Wrong}, err
}

// Close takes both away.
func (t *Traffic) Close() error {
	var err error
	if t.at != nil {
		err = t.at.Close()
	}
	return errors.Join(err, t.objs.Close())
}
