package main

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// threadTime is the processor time of this thread: what others do on a busy machine is not in it. Whoever asks has locked it.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic("the clock of a thread: " + err.Error()) // Linux has it
	}
	return time.Duration(t.Nano())
}

// kernelRounds is how many look-ups or updates one run of a program does.
const kernelRounds = 16

// kernelTable is a BPF hash, asked inside the kernel by a program: a system call for each would be another measurement.
func kernelTable(size int) (t *bindingTable, release func(), err error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, nil, fmt.Errorf("memory for BPF maps: %w", err)
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "bindings", Type: ebpf.Hash, KeySize: 16, ValueSize: 64, MaxEntries: uint32(size)})
	if err != nil {
		return nil, nil, fmt.Errorf("a BPF hash of %d: %w", size, err)
	}
	const batch = 1 << 12
	for from := 0; from < size; from += batch {
		n := min(batch, size-from)
		keys, values := make([][16]byte, n), make([][64]byte, n)
		for i := range keys {
			keys[i] = benchAddr(1, uint32(from+i)).As16()
		}
		if _, err := m.BatchUpdate(keys, values, nil); err != nil {
			m.Close()
			return nil, nil, fmt.Errorf("filling a BPF hash: %w", err)
		}
	}
	look, err := kernelProgram(m, size, false)
	if err != nil {
		m.Close()
		return nil, nil, err
	}
	move, err := kernelProgram(m, size, true)
	if err != nil {
		look.Close()
		m.Close()
		return nil, nil, err
	}
	run := func(p *ebpf.Program) func(int) (float64, error) {
		return func(n int) (float64, error) {
			rounds := max(1, n/kernelRounds)
			began := threadTime()
			failed, _, err := p.Benchmark(make([]byte, 64), rounds, nil)
			if err == nil && failed != 0 {
				err = fmt.Errorf("%d bindings are missing", failed)
			}
			return float64(threadTime()-began) / float64(rounds*kernelRounds), err
		}
	}
	return &bindingTable{"BPF hash", run(look), run(move)}, func() { look.Close(); move.Close(); m.Close() }, nil
}

// kernelProgram looks up or updates kernelRounds random entries; it returns how many were not there.
func kernelProgram(m *ebpf.Map, size int, move bool) (*ebpf.Program, error) {
	const key, value = -16, -80 // on the stack
	first := benchAddr(1, 0).As16()
	code := asm.Instructions{asm.Mov.Imm(asm.R6, 0)}
	for i := 0; i < 12; i += 4 {
		word := int64(first[i]) | int64(first[i+1])<<8 | int64(first[i+2])<<16 | int64(first[i+3])<<24
		code = append(code, asm.StoreImm(asm.RFP, key+int16(i), word, asm.Word))
	}
	for i := range int16(8) {
		code = append(code, asm.StoreMem(asm.RFP, value+8*i, asm.R6, asm.DWord))
	}
	for i := range kernelRounds {
		found := fmt.Sprintf("found%d", i)
		code = append(code,
			asm.FnGetPrandomU32.Call(),
			asm.Mod.Imm(asm.R0, int32(size)),
			asm.HostTo(asm.BE, asm.R0, asm.Word),
			asm.StoreMem(asm.RFP, key+12, asm.R0, asm.Word),
			asm.LoadMapPtr(asm.R1, m.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, key))
		if move {
			code = append(code,
				asm.StoreMem(asm.RFP, value, asm.R0, asm.Word),
				asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, value), asm.Mov.Imm(asm.R4, 0),
				asm.FnMapUpdateElem.Call(), asm.JEq.Imm(asm.R0, 0, found))
		} else {
			code = append(code, asm.FnMapLookupElem.Call(), asm.JNE.Imm(asm.R0, 0, found))
		}
		code = append(code, asm.Add.Imm(asm.R6, 1), asm.Mov.Imm(asm.R0, 0).WithSymbol(found))
	}
	code = append(code, asm.Mov.Reg(asm.R0, asm.R6), asm.Return())
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "bindings", Type: ebpf.SchedCLS, License: "GPL", Instructions: code})
	if err != nil {
		return nil, fmt.Errorf("a BPF program that asks a hash: %w", err)
	}
	return p, nil
}
