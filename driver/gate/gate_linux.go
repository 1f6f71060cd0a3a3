package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Gates are those of one node, in the kernel of the network namespace they were opened in. Its methods are called by one goroutine
// at a time.
type Gates struct {
	nft    *nft
	err    error // why there is none
	table  string
	wanted map[place]bool // open?
	bits   map[int]int    // of them by prefix length
	meters map[metered]*meter
	there  bool   // the kernel has what is wanted
	seen   uint64 // of the kernel's counter, and told
	left   int    // counted by a table that is gone, and not told yet
}

// place is a source on an interface: links that come again have the same name, and another number.
type place struct {
	ifname string
	from   netip.Prefix
}

// The parts of our table.
const (
	counter  = "gate"
	closed   = "closed"
	chain    = "forward"
	ownAddrs = "own"
	// priority (-1) puts the chain before those of a firewall, which begin at 0: what a gate stops is counted here.
	priority = 0xffffffff
	// batch is how many elements one message names at most: fewer than an attribute's 64 KiB hold.
	batch = 256
	// batchOctets is how much goes at once at most: less than a socket's buffer.
	batchOctets = 128 << 10
)

// Open asks nothing of the kernel but a socket, and fails with the first gate where that cannot be had. name is the table's, one
// for each node.
func Open(name string) *Gates {
	g := &Gates{table: name, wanted: map[place]bool{}, meters: map[metered]*meter{}, bits: map[int]int{}}
	g.nft, g.err = openNFT()
	return g
}

// Close takes all gates away.
func (g *Gates) Close() error {
	if g == nil || g.nft == nil {
		return nil
	}
	return g.nft.close()
}

// Idle says that the kernel has no gate of ours, or not all: the next one begins with the node's own addresses.
func (g *Gates) Idle() bool { return !g.there }

// Set opens or closes a gate for what comes by an interface from a prefix. own are the addresses of the engines, which are asked for
// only if Idle.
func (g *Gates) Set(ifname string, from netip.Prefix, open bool, own []netip.Addr) error {
	at := place{ifname, from.Masked()}
	was, had := g.wanted[at]
	if had && was == open && g.there {
		return nil
	}
	g.wanted[at] = open
	fresh := false
	if !had {
		g.bits[at.from.Bits()]++
		fresh = g.bits[at.from.Bits()] == 1
	}
	if !g.there {
		return g.told(at, g.build(own))
	}
	var list []message
	if fresh {
		list = append(list, g.newMap(at.from.Bits()))
	}
	if had {
		list = append(list, g.elements(unix.NFT_MSG_DELSETELEM, mapOf(at.from.Bits()), at.element()))
	}
	list = append(list, g.elements(unix.NFT_MSG_NEWSETELEM, mapOf(at.from.Bits()), at.element(decision(open))))
	if fresh {
		list = append(list, g.rules()...)
	}
	return g.told(at, g.do(list))
}

// Delete takes a gate away.
func (g *Gates) Delete(ifname string, from netip.Prefix, own []netip.Addr) error {
	at := place{ifname, from.Masked()}
	if _, had := g.wanted[at]; !had {
		return nil
	}
	delete(g.wanted, at)
	n := at.from.Bits()
	if g.bits[n]--; g.bits[n] == 0 {
		delete(g.bits, n)
	}
	switch {
	case g.nft == nil:
		return nil
	case len(g.wanted)+len(g.meters) == 0:
		g.left += g.Stopped()
		return g.told(at, g.remove())
	case !g.there:
		return g.told(at, g.build(own))
	}
	list := []message{g.elements(unix.NFT_MSG_DELSETELEM, mapOf(n), at.element())}
	if g.bits[n] == 0 {
		list = append(append(list, g.rules()...), g.message(unix.NFT_MSG_DELSET, 0, text(unix.NFTA_SET_NAME, mapOf(n))))
	}
	return g.told(at, g.do(list))
}

func (g *Gates) told(at place, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("a gate for %v on %s is not in the kernel, which forwards past it (nf_tables of Linux 5.12 or later is needed): %w", at.from, at.ifname, err)
}

// Own tells of an address that the engines own from now on, or no longer.
func (g *Gates) Own(a netip.Addr, is bool) error {
	if !g.there {
		return nil
	}
	list := []message{g.elements(unix.NFT_MSG_NEWSETELEM, ownAddrs, ownElement(a))} // what is there already stays
	if !is {
		list = append(list, g.elements(unix.NFT_MSG_DELSETELEM, ownAddrs, ownElement(a)))
	}
	return g.do(list)
}

// do carries out a change. After a failure nothing is known of what is there, and the next change begins anew.
func (g *Gates) do(list []message) error {
	err := g.nft.do(list)
	g.there = err == nil
	return err
}

// remove takes the table away, if there is one.
func (g *Gates) remove() error {
	err := g.nft.do([]message{{unix.NFT_MSG_DELTABLE, 0, text(unix.NFTA_TABLE_NAME, g.table)}})
	if g.there = false; errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// Stopped is how many packets the gates have stopped since it was asked last.
func (g *Gates) Stopped() int {
	if g == nil {
		return 0
	}
	n := g.left
	g.left = 0
	if g.there {
		n += g.read()
	}
	return n
}

// read is how far the kernel's counter has gone since it was read last.
func (g *Gates) read() int {
	var now uint64
	err := g.nft.ask(g.message(unix.NFT_MSG_GETOBJ, 0, text(unix.NFTA_OBJ_NAME, counter), word(unix.NFTA_OBJ_TYPE, nftCounter)), func(b []byte) {
		attrs(b, func(kind uint16, data []byte) {
			if kind != unix.NFTA_OBJ_DATA {
				return
			}
			attrs(data, func(kind uint16, v []byte) {
				if kind == unix.NFTA_COUNTER_PACKETS && len(v) == 8 {
					now = binary.BigEndian.Uint64(v)
				}
			})
		})
	})
	if err != nil || now < g.seen {
		return 0
	}
	n := now - g.seen
	g.seen = now
	return int(n)
}
