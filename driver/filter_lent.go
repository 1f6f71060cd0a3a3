package driver

import (
	"net/netip"

	"golang.org/x/net/bpf"

	"roam6/wire/ip6"
)

// withoutTunnels stands before a filter and lets no tunnel packets (IPv6 in IPv6, without extension headers) to the given
// addresses through: the fast path's program of the link has them, and sends into the TUN what it leaves.
func withoutTunnels(lent []netip.Addr) []bpf.Instruction {
	var prog []bpf.Instruction
	for _, a := range lent {
		block := destination(netip.PrefixFrom(a, a.BitLen()))
		block[len(block)-1] = bpf.RetConstant{Val: 0}
		prog = append(prog, block...)
	}
	if prog == nil {
		return nil
	}
	head := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: atNextHeader, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(ip6.ProtoIPv6), SkipTrue: 1},
		bpf.Jump{Skip: uint32(len(prog))},
	}
	return append(head, prog...)
}
