package gate

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"roam6/plane"
)

// Meter is what the kernel has forwarded in by an interface from an address, and out by it to the address.
type Meter struct {
	Ifname   string
	Addr     netip.Addr
	Up, Down plane.Count
}

// The parts of our table that count.
const (
	countChain = "count"
	upSet      = "up"
	downSet    = "down"
	// countPriority (INT_MAX) puts the chain behind those of a firewall: what they stop is not forwarded.
	countPriority = 0x7fffffff
	// fewMeters are named in one question: the answers wait in the socket's buffer, a page each.
	fewMeters = 16
	// allInstead is of how many meters that are there one must be asked for to make one look at all of them the cheaper way: to look at
	// one takes 4 µs, to ask for it by name 10.
	allInstead = 3
)

// meter is an address on an interface, and what tables that are gone have counted of it.
type meter struct{ up, down plane.Count }

type metered struct {
	ifname string
	addr   netip.Addr
}

// SetMeter begins to count, unless it counts already. own is as for Set.
func (g *Gates) SetMeter(ifname string, a netip.Addr, own []netip.Addr) error {
	at := metered{ifname, a}
	_, had := g.meters[at]
	if had && g.there {
		return nil
	}
	if !had {
		g.meters[at] = new(meter)
	}
	var list []message
	switch {
	case !g.there:
		return g.uncounted(at, g.build(own))
	case len(g.meters) == 1:
		list = g.countParts()
	}
	return g.uncounted(at, g.do(append(list, g.elements(unix.NFT_MSG_NEWSETELEM, upSet, at.element(zero)), g.elements(unix.NFT_MSG_NEWSETELEM, downSet, at.element(zero)))))
}

// DeleteMeter ends counting.
func (g *Gates) DeleteMeter(ifname string, a netip.Addr, own []netip.Addr) error {
	at := metered{ifname, a}
	if _, had := g.meters[at]; !had {
		return nil
	}
	delete(g.meters, at)
	switch {
	case g.nft == nil:
		return nil
	case len(g.wanted)+len(g.meters) == 0:
		g.left += g.Stopped()
		return g.uncounted(at, g.remove())
	case !g.there:
		return g.uncounted(at, g.build(own))
	case len(g.meters) == 0:
		return g.uncounted(at, g.do([]message{
			g.message(unix.NFT_MSG_DELRULE, 0, text(unix.NFTA_RULE_CHAIN, countChain)),
			g.message(unix.NFT_MSG_DELCHAIN, 0, text(unix.NFTA_CHAIN_NAME, countChain)),
			g.message(unix.NFT_MSG_DELSET, 0, text(unix.NFTA_SET_NAME, upSet)),
			g.message(unix.NFT_MSG_DELSET, 0, text(unix.NFTA_SET_NAME, downSet)),
		}))
	}
	return g.uncounted(at, g.do([]message{g.elements(unix.NFT_MSG_DELSETELEM, upSet, at.element()), g.elements(unix.NFT_MSG_DELSETELEM, downSet, at.element())}))
}

func (g *Gates) uncounted(at metered, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("what the kernel forwards for %v on %s is not counted (nf_tables with counters, of Linux 5.12 or later, is needed): %w", at.addr, at.ifname, err)
}

// Measure adds to each meter of the list what is counted; those that were never set get nothing. With an error, what is known without
// asking the kernel was added.
func (g *Gates) Measure(list []Meter) error {
	if g == nil {
		return nil
	}
	var asked []metered
	for i := range list {
		m := &list[i]
		if base := g.meters[metered{m.Ifname, m.Addr}]; base != nil {
			m.Up.More(base.up)
			m.Down.More(base.down)
			asked = append(asked, metered{m.Ifname, m.Addr})
		}
	}
	if len(asked) == 0 {
		return nil
	}
	up, err := g.counts(upSet, asked)
	if err != nil {
		return err
	}
	down, err := g.counts(downSet, asked)
	if err != nil {
		return err
	}
	for i := range list {
		m := &list[i]
		k := metered{m.Ifname, m.Addr}.key()
		m.Up.More(up[k])
		m.Down.More(down[k])
	}
	return nil
}

// counts reads the counters of some elements of a set: by name, or by one look at all.
func (g *Gates) counts(set string, asked []metered) (map[elementKey]plane.Count, error) {
	if g.err != nil {
		return nil, g.err
	}
	got := make(map[elementKey]plane.Count, len(asked))
	take := func(b []byte) {
		counters(b, func(k elementKey, c plane.Count) { got[k] = c })
	}
	if len(asked) > fewMeters && len(asked)*allInstead > len(g.meters) {
		if err := g.nft.dump(g.message(unix.NFT_MSG_GETSETELEM, 0, text(unix.NFTA_SET_ELEM_LIST_SET, set)), take); err != nil {
			return nil, err
		}
		// A kernel that makes its table larger meanwhile may pass some over.
		asked = slices.DeleteFunc(slices.Clone(asked), func(at metered) bool { _, ok := got[at.key()]; return ok })
	}
	for some := range slices.Chunk(asked, fewMeters) {
		m := g.elements(unix.NFT_MSG_GETSETELEM, set, each(some, func(at metered) []byte { return at.element() })...)
		m.flags = 0
		if err := g.nft.ask(m, take); err != nil {
			return nil, err
		}
	}
	return got, nil
}

// counters calls f for each element with a counter in the attributes of an answer.
func counters(b []byte, f func(elementKey, plane.Count)) {
	attrs(b, func(kind uint16, list []byte) {
		if kind != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
			return
		}
		attrs(list, func(_ uint16, element []byte) {
			var key []byte
			var c plane.Count
			attrs(element, func(kind uint16, v []byte) {
				switch kind {
				case unix.NFTA_SET_ELEM_KEY:
					attrs(v, func(_ uint16, v []byte) { key = v })
				case unix.NFTA_SET_ELEM_EXPR:
					c = counterOf(v)
				}
			})
			if len(key) == len(elementKey{}) {
				f(elementKey(key), c)
			}
		})
	})
}

// counterOf reads an expression that counts.
func counterOf(b []byte) (c plane.Count) {
	attrs(b, func(kind uint16, v []byte) {
		if kind != unix.NFTA_EXPR_DATA {
			return
		}
		attrs(v, func(kind uint16, v []byte) {
			switch {
			case len(v) != 8:
			case kind == unix.NFTA_COUNTER_PACKETS:
				c.Packets = binary.BigEndian.Uint64(v)
			case kind == unix.NFTA_COUNTER_BYTES:
				c.Octets = binary.BigEndian.Uint64(v)
			}
		})
	})
	return c
}

// kept is what the table that may be there has counted so far, for one that takes its place.
func (g *Gates) kept() map[elementKey]meter {
	if len(g.meters) == 0 {
		return nil
	}
	kept := map[elementKey]meter{}
	for _, set := range []string{upSet, downSet} {
		_ = g.nft.dump(g.message(unix.NFT_MSG_GETSETELEM, 0, text(unix.NFTA_SET_ELEM_LIST_SET, set)), func(b []byte) {
			counters(b, func(k elementKey, c plane.Count) {
				m := kept[k]
				if set == upSet {
					m.up = c
				} else {
					m.down = c
				}
				kept[k] = m
			})
		}) // none: there is no table, or nothing can be done
	}
	return kept
}

// keep adds it to what gone tables have counted.
func (g *Gates) keep(kept map[elementKey]meter) {
	for at, m := range g.meters {
		was := kept[at.key()]
		m.up.More(was.up)
		m.down.More(was.down)
	}
}

// countParts are the sets and the chain that count.
func (g *Gates) countParts() []message {
	return []message{
		g.set(upSet, 0, unix.IFNAMSIZ+16),
		g.set(downSet, 0, unix.IFNAMSIZ+16),
		g.message(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE, text(unix.NFTA_CHAIN_NAME, countChain), text(unix.NFTA_CHAIN_TYPE, "filter"),
			nest(unix.NFTA_CHAIN_HOOK, word(unix.NFTA_HOOK_HOOKNUM, nftForward), word(unix.NFTA_HOOK_PRIORITY, countPriority)),
			word(unix.NFTA_CHAIN_POLICY, nftAccept)),
		g.control(countChain, destinationAt),
		g.control(countChain, sourceAt),
		g.counting(upSet, unix.NFT_META_IIFNAME, sourceAt),
		g.counting(downSet, unix.NFT_META_OIFNAME, destinationAt),
	}
}

// counting is the rule of one direction: an interface and an address in a set, whose element counts as it is found.
func (g *Gates) counting(set string, meta, address uint32) message {
	return g.rule(countChain,
		expr("meta", word(unix.NFTA_META_DREG, unix.NFT_REG32_00), word(unix.NFTA_META_KEY, meta)),
		field(unix.NFT_REG32_04, address),
		expr("lookup", text(unix.NFTA_LOOKUP_SET, set), word(unix.NFTA_LOOKUP_SREG, unix.NFT_REG32_00)))
}

// zero is the counter of a new element.
var zero = nest(unix.NFTA_SET_ELEM_EXPR, text(unix.NFTA_EXPR_NAME, "counter"), nest(unix.NFTA_EXPR_DATA))

// elementKey is the key of an element: an interface's name, filled up with zeros, and an address.
type elementKey [unix.IFNAMSIZ + 16]byte

func (m metered) key() (k elementKey) {
	copy(k[:unix.IFNAMSIZ], m.ifname)
	copy(k[unix.IFNAMSIZ:], m.addr.AsSlice())
	return k
}

func (m metered) element(more ...[]byte) []byte {
	return place{m.ifname, netip.PrefixFrom(m.addr, 128)}.element(more...)
}
