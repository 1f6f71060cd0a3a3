package gate

import (
	"fmt"
	"iter"
	"maps"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"roam6/wire/ip6"
)

// build makes the table, in the place of one that may be there.
func (g *Gates) build(own []netip.Addr) error {
	if g.err != nil {
		return g.err
	}
	kept := g.kept()
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
	list = append(list, g.rules()...)
	if len(g.meters) > 0 {
		list = append(list, g.countParts()...)
	}
	first := len(list)
	list = g.fill(list, own)
	for list = range cut(list, first) {
		if err := g.do(list); err != nil {
			return err
		}
		g.keep(kept) // their table is gone with the first batch
		kept, g.seen = nil, 0
	}
	return nil
}

// fill adds what the table is to hold: closed gates before open ones, and the shorter prefixes first, so that a table which is being
// filled stops too much and never too little.
func (g *Gates) fill(list []message, own []netip.Addr) []message {
	for some := range slices.Chunk(own, batch) {
		list = append(list, g.elements(unix.NFT_MSG_NEWSETELEM, ownAddrs, each(some, ownElement)...))
	}
	for _, open := range []bool{false, true} {
		at := slices.DeleteFunc(slices.Collect(maps.Keys(g.wanted)), func(p place) bool { return g.wanted[p] != open })
		slices.SortFunc(at, func(a, b place) int { return a.from.Bits() - b.from.Bits() })
		for len(at) > 0 {
			bits := at[0].from.Bits()
			n := slices.IndexFunc(at[:min(len(at), batch)], func(p place) bool { return p.from.Bits() != bits })
			if n < 0 {
				n = min(len(at), batch)
			}
			list = append(list, g.elements(unix.NFT_MSG_NEWSETELEM, mapOf(bits), each(at[:n], func(p place) []byte { return p.element(decision(open)) })...))
			at = at[n:]
		}
	}
	for some := range slices.Chunk(slices.Collect(maps.Keys(g.meters)), batch) {
		e := each(some, func(at metered) []byte { return at.element(zero) })
		list = append(list, g.elements(unix.NFT_MSG_NEWSETELEM, upSet, e...), g.elements(unix.NFT_MSG_NEWSETELEM, downSet, e...))
	}
	return list
}

// cut makes batches of a list: the first messages and what fits behind them, then the rest.
func cut(list []message, first int) iter.Seq[[]message] {
	return func(yield func([]message) bool) {
		for len(list) > 0 {
			n, size := 0, 0
			for n < len(list) && (n < max(first, 1) || size+len(list[n].attrs) <= batchOctets) {
				size += len(list[n].attrs)
				n++
			}
			if !yield(list[:n]) {
				return
			}
			list, first = list[n:], 0
		}
	}
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
		g.control(chain, destinationAt),
	}
	for _, n := range g.lengths() {
		list = append(list, g.rule(chain,
			expr("meta", word(unix.NFTA_META_DREG, unix.NFT_REG32_00), word(unix.NFTA_META_KEY, unix.NFT_META_IIFNAME)),
			field(unix.NFT_REG32_04, sourceAt),
			expr("bitwise", word(unix.NFTA_BITWISE_SREG, unix.NFT_REG32_04), word(unix.NFTA_BITWISE_DREG, unix.NFT_REG32_04), word(unix.NFTA_BITWISE_LEN, 16),
				data(unix.NFTA_BITWISE_MASK, net.CIDRMask(n, 128)...), data(unix.NFTA_BITWISE_XOR, make([]byte, 16)...)),
			expr("lookup", text(unix.NFTA_LOOKUP_SET, mapOf(n)), word(unix.NFTA_LOOKUP_SREG, unix.NFT_REG32_00), word(unix.NFTA_LOOKUP_DREG, unix.NFT_REG_VERDICT))))
	}
	return list
}

// control accepts in a chain what goes to the engines' addresses, or comes from them, and is no tunnel packet.
func (g *Gates) control(of string, address uint32) message {
	return g.rule(of,
		expr("meta", word(unix.NFTA_META_DREG, unix.NFT_REG32_00), word(unix.NFTA_META_KEY, unix.NFT_META_L4PROTO)),
		expr("cmp", word(unix.NFTA_CMP_SREG, unix.NFT_REG32_00), word(unix.NFTA_CMP_OP, unix.NFT_CMP_NEQ), data(unix.NFTA_CMP_DATA, ip6.ProtoIPv6)),
		field(unix.NFT_REG32_00, address),
		expr("lookup", text(unix.NFTA_LOOKUP_SET, ownAddrs), word(unix.NFTA_LOOKUP_SREG, unix.NFT_REG32_00)),
		decide(nftAccept))
}

// Where addresses are in the IPv6 header.
const (
	sourceAt      = 8
	destinationAt = 24
)

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
