package driver

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"

	"roam6/wire/ip6"
)

// maxFilterAddrs is the number of destinations a link's filter names. Beyond it every unicast packet comes up and the
// plane sorts them: a node with so many addresses on one link has most of its traffic for itself.
const maxFilterAddrs = 256

// Offsets in a frame: an Ethernet header, then the IPv6 header.
const (
	etherLen     = 14
	atNextHeader = etherLen + 6
	atDst        = etherLen + 24
	atICMPType   = etherLen + ip6.HeaderLen
)

// keep is what an accepting filter returns: the whole packet.
const keep = 1 << 18

// Offsets behind them when a hop-by-hop header stands between, as it does in multicast listener discovery: its first
// two octets, and the ICMPv6 type behind the 8 octets that it has at least.
const (
	atHopNext     = etherLen + ip6.HeaderLen
	atHopLen      = atHopNext + 1
	atICMPTypeHop = atHopNext + 8
)

// listenerQuery is the type of the Multicast Listener Query, RFC 3810 §5.1.
const listenerQuery = 130

// Types of neighbour discovery, RFC 4861 §4: Router Solicitation to Redirect.
const (
	ndFirst = 133
	ndLast  = 137
	// ndFast is the type of fast handovers, RFC 5568 §6.1: RtSolPr and PrRtAdv.
	ndFast = 154
)

// kernelChecks are the parts of the filter that only the kernel can answer: no frame of a VLAN (its own interface
// brings it), none for another host (a promiscuous capture beside us), none that left here.
func kernelChecks() []bpf.Instruction {
	const packetOtherHost = 3 // PACKET_OTHERHOST; PACKET_OUTGOING is 4
	return []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: packetOtherHost, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
	}
}

// filter lets through what a node can want of a link: neighbour discovery, multicast listener queries, and packets to the
// given destinations.
func filter(wants []netip.Prefix) []bpf.Instruction {
	prog := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: atNextHeader, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(ip6.ProtoICMPv6), SkipTrue: 5},
		bpf.LoadAbsolute{Off: atICMPType, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: ndFast, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: ndFirst, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: ndLast, SkipTrue: 1},
		bpf.RetConstant{Val: keep},
		bpf.LoadAbsolute{Off: atNextHeader, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(ip6.ProtoHopByHop), SkipTrue: 8},
		bpf.LoadAbsolute{Off: atHopNext, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(ip6.ProtoICMPv6), SkipTrue: 6},
		bpf.LoadAbsolute{Off: atHopLen, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 3}, // units of 8 octets
		bpf.TAX{},
		bpf.LoadIndirect{Off: atICMPTypeHop, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: listenerQuery, SkipTrue: 1},
		bpf.RetConstant{Val: keep},
	}
	if len(wants) > maxFilterAddrs {
		return append(prog,
			bpf.LoadAbsolute{Off: atDst, Size: 1},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0xff, SkipTrue: 1},
			bpf.RetConstant{Val: keep},
			bpf.RetConstant{Val: 0})
	}
	for _, p := range wants {
		prog = append(prog, destination(p)...)
	}
	return append(prog, bpf.RetConstant{Val: 0})
}

// destination is one block: accept if the packet goes to the prefix, else fall through to the next block.
func destination(p netip.Prefix) []bpf.Instruction {
	a := p.Addr().As16()
	type word struct{ val, mask uint32 }
	var words []word
	for i, bits := 0, p.Bits(); bits > 0; i, bits = i+4, bits-32 {
		mask := ^uint32(0)
		if bits < 32 {
			mask <<= 32 - bits
		}
		words = append(words, word{binary.BigEndian.Uint32(a[i:]) & mask, mask})
	}
	var block []bpf.Instruction
	for i := len(words) - 1; i >= 0; i-- { // the last word tells addresses of one prefix apart soonest
		w := words[i]
		block = append(block, bpf.LoadAbsolute{Off: atDst + 4*uint32(i), Size: 4})
		if w.mask != ^uint32(0) {
			block = append(block, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: w.mask})
		}
		block = append(block, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: w.val})
	}
	block = append(block, bpf.RetConstant{Val: keep})
	for i, in := range block {
		if j, ok := in.(bpf.JumpIf); ok {
			j.SkipTrue = uint8(len(block) - 1 - i)
			block[i] = j
		}
	}
	return block
}
