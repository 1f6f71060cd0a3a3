package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"roam6/wire/ip6"
)

// Gates are those of one node, in the kernel of the network namespace they were opened in. Its methods are called by one goroutine
// at a time.
type Gates struct {
	nft    *nft
	err    error // why there is none
	table  string
	wanted map[place]bool // open?
	bits   map[int]int    // of them by prefix length
	there  bool           // the kernel has what is wanted
	seen   uint64         // of the kernel's counter, and told
	left   int            // counted by a table that is gone, and not told yet
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
	// batch is how many messages go at once at most; where there are more gates, the first go before the rules that ask for them.
	batch = 256
)

// Open asks nothing of the kernel but a socket, and fails with the first gate where that cannot be had. name is the table's, one
// for each node.
func Open(name string) *Gates {
	g := &Gates{table: name, wanted: map[place]bool{}, bits: map[int]int{}}
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
	case len(g.wanted) == 0:
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

// build makes the table, in the place of one that may be there.
func (g *Gates) build(own []netip.Addr) error {
	if g.err != nil {
		return g.err
	}
	table := slices.Concat(text(unix.NFTA_TABLE_NAME, g.table), word(unix.NFTA_TABLE_FLAGS, nftOwner))
	list := []message{
		{unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, table},
		{unix.NFT_MSG_DELTABLE, 0, text(unix.NFTA_TABLE_NAME, g.table)},
		{unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, table},
		g.message(unix.NFT_MSG_NEWOBJ, unix.NLM_F_CREATE, text(unix.NFTA_OBJ_NAME, counter), word(unix.NFTA_OBJ_TYPE, nftCounter), nest(unix.NFTA_OBJ_DATA)),
		g.message(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE, text(unix.NFTA_CHAIN_NAME, closed)),
		g.rule(closed, expr("objref", word(unix.NFTA_OBJREF_IMM_TYPE, nftCounter), text(unix.NFTA_OBJREF_IMM_NAME, counter)), decide(nftDrop)),
		g.message(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE, text(unix.NFTA_CHAIN_NAME, chain), text(unix.NFTA_CHAIN_TYPE, "filter"),
			nest(unix.NFTA_CHAIN_HOOK, word(unix.NFTA_HOOK_HOOKNUM, nftForward), word(unix.NFTA_HOOK_PRIORITY, priority)),
			word(unix.NFTA_CHAIN_POLICY, nftAccept)),
		g.set(ownAddrs, 0, 16),
	}
	for _, n := range g.lengths() {
		list = append(list, g.newMap(n))
	}
	for some := range slices.Chunk(own, batch) {
		list = append(list, g.elements(unix.NFT_MSG_NEWSETELEM, ownAddrs, each(some, ownElement)...))
	}
	g.seen = 0
	for at, open := range g.wanted {
		if list = append(list, g.elements(unix.NFT_MSG_NEWSETELEM, mapOf(at.from.Bits()), at.element(decision(open)))); len(list) >= batch {
			if err := g.do(list); err != nil {
				return err
			}
			list = nil
		}
	}
	return g.do(append(list, g.rules()...))
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

// message is one about a part of our table: that is the first attribute of each kind of part.
func (g *Gates) message(kind, flags uint16, parts ...[]byte) message {
	return message{kind, flags, slices.Concat(append([][]byte{text(1, g.table)}, parts...)...)}
}

func (g *Gates) set(name string, flags, key uint32, more ...[]byte) message {
	return g.message(unix.NFT_MSG_NEWSET, unix.NLM_F_CREATE, append([][]byte{text(unix.NFTA_SET_NAME, name), word(unix.NFTA_SET_FLAGS, flags),
		word(unix.NFTA_SET_KEY_TYPE, 0), word(unix.NFTA_SET_KEY_LEN, key), word(unix.NFTA_SET_ID, 1)}, more...)...)
}

func mapOf(bits int) string { return fmt.Sprintf("from%d", bits) }

// newMap is the map of a prefix length, from an interface's name and a masked source to a verdict.
func (g *Gates) newMap(bits int) message {
	return g.set(mapOf(bits), unix.NFT_SET_MAP, unix.IFNAMSIZ+16, word(unix.NFTA_SET_DATA_TYPE, unix.NFT_DATA_VERDICT), word(unix.NFTA_SET_DATA_LEN, 0))
}

// lengths are the prefix lengths of all gates, the longest first.
func (g *Gates) lengths() []int {
	return slices.SortedFunc(maps.Keys(g.bits), func(a, b int) int { return b - a })
}

// rules writes the chain anew.
func (g *Gates) rules() []message {
	list := []message{
		g.message(unix.NFT_MSG_DELRULE, 0, text(unix.NFTA_RULE_CHAIN, chain)),
		g.rule(chain,
			expr("meta", word(unix.NFTA_META_DREG, unix.NFT_REG32_00), word(unix.NFTA_META_KEY, unix.NFT_META_L4PROTO)),
			expr("cmp", word(unix.NFTA_CMP_SREG, unix.NFT_REG32_00), word(unix.NFTA_CMP_OP, unix.NFT_CMP_NEQ), data(unix.NFTA_CMP_DATA, ip6.ProtoIPv6)),
			field(unix.NFT_REG32_00, 24),
			expr("lookup", text(unix.NFTA_LOOKUP_SET, ownAddrs), word(unix.NFTA_LOOKUP_SREG, unix.NFT_REG32_00)),
			decide(nftAccept)),
	}
	for _, n := range g.lengths() {
		list = append(list, g.rule(chain,
			expr("meta", word(unix.NFTA_META_DREG, unix.NFT_REG32_00), word(unix.NFTA_META_KEY, unix.NFT_META_IIFNAME)),
			field(unix.NFT_REG32_04, 8),
			expr("bitwise", word(unix.NFTA_BITWISE_SREG, unix.NFT_REG32_04), word(unix.NFTA_BITWISE_DREG, unix.NFT_REG32_04), word(unix.NFTA_BITWISE_LEN, 16),
				data(unix.NFTA_BITWISE_MASK, net.CIDRMask(n, 128)...), data(unix.NFTA_BITWISE_XOR, make([]byte, 16)...)),
			expr("lookup", text(unix.NFTA_LOOKUP_SET, mapOf(n)), word(unix.NFTA_LOOKUP_SREG, unix.NFT_REG32_00), word(unix.NFTA_LOOKUP_DREG, unix.NFT_REG_VERDICT))))
	}
	return list
}

func (g *Gates) rule(of string, steps ...[]byte) message {
	return g.message(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND, text(unix.NFTA_RULE_CHAIN, of), nest(unix.NFTA_RULE_EXPRESSIONS, steps...))
}

// field loads an address of the IPv6 header, at an offset.
func field(register, offset uint32) []byte {
	return expr("payload", word(unix.NFTA_PAYLOAD_DREG, register), word(unix.NFTA_PAYLOAD_BASE, unix.NFT_PAYLOAD_NETWORK_HEADER),
		word(unix.NFTA_PAYLOAD_OFFSET, offset), word(unix.NFTA_PAYLOAD_LEN, 16))
}

func data(kind uint16, v ...byte) []byte { return nest(kind, attr(unix.NFTA_DATA_VALUE, v...)) }

// elements adds elements to a set, or takes them out.
func (g *Gates) elements(kind uint16, set string, list ...[]byte) message {
	return g.message(kind, unix.NLM_F_CREATE, text(unix.NFTA_SET_ELEM_LIST_SET, set), nest(unix.NFTA_SET_ELEM_LIST_ELEMENTS, list...))
}

// element is an element of a map: a key, and what it leads to.
func (p place) element(more ...[]byte) []byte {
	key := make([]byte, unix.IFNAMSIZ, unix.IFNAMSIZ+16)
	copy(key, p.ifname)
	key = append(key, p.from.Addr().AsSlice()...)
	return nest(unix.NFTA_LIST_ELEM, append([][]byte{data(unix.NFTA_SET_ELEM_KEY, key...)}, more...)...)
}

// decision is what a gate leads to.
func decision(open bool) []byte {
	if open {
		return nest(unix.NFTA_SET_ELEM_DATA, verdict(nftAccept, ""))
	}
	return nest(unix.NFTA_SET_ELEM_DATA, verdict(unix.NFT_JUMP, closed))
}

func ownElement(a netip.Addr) []byte {
	return nest(unix.NFTA_LIST_ELEM, data(unix.NFTA_SET_ELEM_KEY, a.AsSlice()...))
}

func each[T any](list []T, f func(T) []byte) (out [][]byte) {
	for _, x := range list {
		out = append(out, f(x))
	}
	return out
}
