package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"roam6/engine"
	"roam6/keying/esp"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/role/ha"
	"roam6/store"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// How bench updates measures.
const (
	updateTurns  = 6
	updateBatch  = 4096
	updateLeast  = 256 // updates in one measurement
	updateWindow = 16  // datagrams under way between the two sockets: what a socket buffer surely holds
	// updatePause passes on the agent's clock between two batches: what it remembers of a move is over.
	updatePause = 10 * time.Second
	// updateLifetime is that of the bindings: none expires while others are measured.
	updateLifetime = 65535 * mh.Unit
)

// updateKind is what an update asks of the home agent.
type updateKind string

const (
	updateNew     updateKind = "new"
	updateRefresh updateKind = "refresh"
	updateMove    updateKind = "move"
)

// updateHome is a home agent as a node runs it, but for the links: plane, engine, store.
type updateHome struct {
	agent  *ha.Agent
	soft   *plane.Soft
	store  store.Memory
	fx     engine.Effects
	sink   plane.Sink
	now    engine.Now
	seq    []uint32 // ESP sequence numbers of the mobile nodes
	mseq   []uint16 // those of their updates
	at     []byte   // which of its care-of addresses each has; updateGone: none
	answer []byte   // the last packet sent
	light  bool     // nothing is stored
	disk   *store.File
	wait   []store.Record // for the disk
	failed int
	random *rand.Rand
}

// updateGone is the care-of address of a mobile node at home.
const updateGone = 0xff

// updateKey is the key of a mobile node in one direction.
func updateKey(i uint32, dir byte) []byte {
	key := make([]byte, 16+esp.SaltLen)
	binary.BigEndian.PutUint32(key, i)
	key[4] = dir
	return key
}

// updateCareOf is one of the care-of addresses of a mobile node.
func updateCareOf(i uint32, which byte) netip.Addr {
	a := benchAddr(2, i).As16()
	a[6] = which
	return netip.AddrFrom16(a)
}

// newUpdateHome makes a home agent that serves so many mobile nodes, all at home.
func newUpdateHome(size int) (*updateHome, error) {
	cfg := ha.Config{Address: benchHomeAgent, Prefix: netip.PrefixFrom(benchAddr(1, 0), 64), MaxLifetime: updateLifetime, MaxBindings: plane.MaxPaths}
	for i := range uint32(size) {
		cfg.Mobiles = append(cfg.Mobiles, ha.Mobile{HomeAddress: benchAddr(1, i),
			Security: sa.Config{ESP: &sa.ESPConfig{OutSPI: 1<<24 + i, InSPI: 1<<25 + i, OutKey: updateKey(i, 1), InKey: updateKey(i, 2)}}})
	}
	agent, err := ha.New(cfg, [32]byte{1})
	if err != nil {
		return nil, err
	}
	h := &updateHome{agent: agent, soft: plane.NewSoft(), seq: make([]uint32, size), mseq: make([]uint16, size),
		at: slices.Repeat([]byte{updateGone}, size), random: rand.New(rand.NewPCG(1, 2)), now: engine.Now{Mono: 1, Wall: time.Unix(1e9, 0)}}
	h.soft.Seed([16]byte{1})
	h.agent.Handle(h.now, engine.Start{}, &h.fx)
	h.carryOut()
	return h, nil
}

var benchHomeAgent = func() netip.Addr { a := benchAddr(1, 0).As16(); a[8] = 1; return netip.AddrFrom16(a) }()

// update is a whole packet: an update of a mobile node, under ESP.
func (h *updateHome) update(i uint32, kind updateKind) []byte {
	lifetime := updateLifetime
	switch kind {
	case updateNew:
		h.at[i] = 0
	case updateMove:
		h.at[i] ^= 1
	case "":
		lifetime = 0
	}
	key, err := esp.NewKey(updateKey(i, 2))
	must(err)
	h.seq[i]++
	h.mseq[i]++
	hoa, coa := benchAddr(1, i), updateCareOf(i, h.at[i])
	bu := &mh.BindingUpdate{Seq: h.mseq[i], Ack: true, Home: true, Lifetime: lifetime, Options: mh.Options{AltCareOf: coa}}
	if kind == "" {
		h.at[i] = updateGone
	}
	p := ip6.Packet{Header: ip6.Header{Src: coa, Dst: benchHomeAgent, HopLimit: 64}, HomeAddress: hoa, Proto: ip6.ProtoESP,
		Payload: esp.Seal(nil, key, 1<<25+i, uint64(h.seq[i]), ip6.ProtoMH, mh.Append(nil, hoa, benchHomeAgent, bu))}
	return p.Append(make([]byte, 0, 200))
}

// take is a packet's way through the node; the answer stays in h.answer.
func (h *updateHome) take(b []byte) {
	h.answer = nil
	h.soft.Handle(time.Duration(h.now.Mono), plane.Kernel, plane.HW{}, b, &h.sink)
	for _, p := range h.sink.Punt {
		h.agent.Handle(h.now, engine.Packet{Port: p.Port, Data: p.Data}, &h.fx)
	}
	h.sink.Reset()
	h.carryOut()
	if h.answer == nil {
		h.failed++
	}
}

// tick lets the agent and its plane do what is due.
func (h *updateHome) tick() {
	h.soft.Advance(time.Duration(h.now.Mono), &h.sink)
	if at, _ := h.agent.Deadline(); at <= h.now.Mono {
		h.agent.Handle(h.now, engine.Tick{}, &h.fx)
		h.carryOut()
	}
}

func (h *updateHome) carryOut() {
	for _, e := range h.fx.List {
		switch e := e.(type) {
		case engine.Plane:
			h.soft.Apply(time.Duration(h.now.Mono), e.Op, &h.sink)
		case engine.Persist:
			switch {
			case h.light:
			case h.disk != nil:
				h.wait = append(h.wait, store.Record{Bucket: e.Bucket, Key: e.Key, Value: e.Value})
			default:
				must(h.store.Put(e.Bucket, e.Key, e.Value))
			}
		case engine.Send:
			h.answer = e.Data
		}
	}
	h.fx.Reset()
	for _, o := range h.sink.Out {
		h.answer = o.Data
	}
	h.sink.Reset()
}

// batch are updates of different mobile nodes, if there are so many. For new ones those nodes have gone home first.
func (h *updateHome) batch(kind updateKind) [][]byte {
	first := h.random.IntN(len(h.seq))
	list := make([][]byte, updateBatch)
	if kind == updateNew {
		list = list[:min(updateBatch, len(h.seq))]
	}
	for k := range list {
		// A step that has no factor in common with the number of nodes that are a power of ten visits all.
		i := uint32((first + k*7919) % len(h.seq))
		if kind == updateNew && h.at[i] != updateGone {
			h.take(h.update(i, ""))
		}
		list[k] = h.update(i, kind)
	}
	return list
}

// fill registers all.
func (h *updateHome) fill() error {
	for i := range uint32(len(h.seq)) {
		if h.at[i] == updateGone {
			h.take(h.update(i, updateNew))
		}
	}
	return h.err()
}

func (h *updateHome) err() error {
	if h.failed > 0 {
		return fmt.Errorf("%d updates were not answered", h.failed)
	}
	return nil
}

// line is two UDP sockets: one of a client, one of what is measured.
type line struct{ client, server *net.UDPConn }

func newLine() (*line, error) {
	server, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		return nil, err
	}
	client, err := net.DialUDP("udp6", nil, server.LocalAddr().(*net.UDPAddr))
	if err != nil {
		server.Close()
		return nil, err
	}
	return &line{client, server}, nil
}

// serve gives the packets to a server that answers each, and tells the processor time it took for one, in nanoseconds. The client's
// part is not in it.
func (l *line) serve(list [][]byte, answer func([]byte) []byte) (float64, error) {
	var took time.Duration
	buf := make([]byte, 2048)
	for window := range slices.Chunk(list, updateWindow) {
		for _, b := range window {
			if _, err := l.client.Write(b); err != nil {
				return 0, err
			}
		}
		began := threadTime()
		for range window {
			n, from, err := l.server.ReadFromUDPAddrPort(buf)
			if err != nil {
				return 0, err
			}
			if _, err := l.server.WriteToUDPAddrPort(answer(buf[:n]), from); err != nil {
				return 0, err
			}
		}
		took += threadTime() - began
		for range window {
			if _, err := l.client.Read(buf); err != nil {
				return 0, err
			}
		}
	}
	return float64(took) / float64(len(list)), nil
}

// echo proves what comes and signs what goes, once each.
type echo struct{ mac hash.Hash }

func (e *echo) answer(b []byte) []byte {
	var sum [sha256.Size]byte
	for range 2 {
		e.mac.Reset()
		e.mac.Write(b[:len(b)-sha256.Size])
		e.mac.Sum(sum[:0])
	}
	copy(b[len(b)-sha256.Size:], sum[:])
	return b
}

// updateRun is what one number of bindings gave, in nanoseconds an update, turn by turn.
type updateRun struct{ whole, bare, kept, echo []float64 }

// measureUpdates lets node and echo take turns, there and back, with the same octets.
func (h *updateHome) measureUpdates(kind updateKind) (r updateRun, err error) {
	l, err := newLine()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.client.Close(), l.server.Close()) }()
	e := &echo{hmac.New(sha256.New, make([]byte, 32))}
	whole := func(list [][]byte) error {
		sum, n := 0.0, 0
		for { // where there are few nodes, few can be new at once
			h.now.Mono = h.now.Mono.Add(updatePause)
			began := threadTime()
			h.tick()
			sum += float64(threadTime() - began)
			ns, err := l.serve(list, func(b []byte) []byte { h.take(b); return h.answer })
			if err = errors.Join(err, h.err()); err != nil {
				return err
			}
			sum += ns * float64(len(list))
			if n += len(list); n >= updateLeast {
				r.whole = append(r.whole, sum/float64(n))
				return nil
			}
			list = h.batch(kind)
		}
	}
	mirror := func(list [][]byte) error {
		ns, err := l.serve(list, e.answer)
		r.echo = append(r.echo, ns)
		return err
	}
	for turn := range updateTurns {
		list := h.batch(kind)
		same := slices.Repeat(list, updateBatch/len(list))
		if turn%2 == 1 {
			err = errors.Join(mirror(same), whole(list))
		} else {
			err = errors.Join(whole(list), mirror(same))
		}
		if err != nil {
			return r, err
		}
		r.bare = append(r.bare, h.bare(kind))
		h.light = false
		r.kept = append(r.kept, h.bare(kind))
		h.light = true
	}
	return r, h.err()
}

// bare is the processor time of an update without sockets, in nanoseconds.
func (h *updateHome) bare(kind updateKind) float64 {
	took, n := time.Duration(0), 0
	for n < updateLeast {
		list := h.batch(kind)
		h.now.Mono = h.now.Mono.Add(updatePause)
		began := threadTime()
		h.tick()
		for _, b := range list {
			h.take(b)
		}
		took, n = took+threadTime()-began, n+len(list)
	}
	return float64(took) / float64(n)
}

// diskWrites is how many writes to the disk stand between two looks at the clock.
const diskWrites = 32

// measureDisk gives refreshes a second by the wall's clock, with the records of so many written at once to a file, as a node writes
// what it reads together.
func (h *updateHome) measureDisk(group int) (perSecond []float64, err error) {
	dir, err := os.MkdirTemp("", "roam6-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if h.disk, err = store.Open(filepath.Join(dir, "state")); err != nil {
		return nil, err
	}
	defer func() { err, h.disk = errors.Join(err, h.disk.Close()), nil }()
	h.light = false
	for range updateTurns {
		list := h.batch(updateRefresh)[:group*diskWrites]
		began := time.Now()
		for together := range slices.Chunk(list, group) {
			for _, b := range together {
				h.take(b)
			}
			if err := h.disk.PutAll(h.wait); err != nil {
				return nil, err
			}
			h.wait = h.wait[:0]
		}
		perSecond = append(perSecond, float64(len(list))/time.Since(began).Seconds())
	}
	return perSecond, h.err()
}

// benchUpdates measures how many binding updates under ESP a core takes: through plane and engine between two UDP sockets, beside
// an echo of the same octets with one HMAC-SHA-256 each way, which keeps nothing either; and with a store.
func benchUpdates(ctx context.Context, f *benchFlags) (rows []benchRow, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, size := range f.bindings {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !f.json || onTerminal() {
			fmt.Fprintf(os.Stderr, "%d bindings …\n", size)
		}
		var h *updateHome
		served := octetsOf(size, func() any {
			if h, err = newUpdateHome(size); err != nil {
				return nil
			}
			return h
		})
		if err != nil {
			return nil, err
		}
		h.light = true
		bound := octetsOf(size, func() any { err = h.fill(); return h })
		if err != nil {
			return nil, err
		}
		among := fmt.Sprintf(" among %d", size)
		rows = append(rows, ours("memory of a subscriber,"+among, "octets", served), ours("memory of a binding: plane, cache, deadline,"+among, "octets", bound))
		for _, kind := range []updateKind{updateNew, updateRefresh, updateMove} {
			r, err := h.measureUpdates(kind)
			if err != nil {
				return nil, err
			}
			rows = append(rows, beside(string(kind)+among, "updates/s", "UDP echo with HMAC", rates(r.whole), rates(r.echo)),
				ours(string(kind)+among+", without sockets", "updates/s", rates(r.bare)...),
				ours(string(kind)+among+", without sockets, with a store in memory", "updates/s", rates(r.kept)...))
			if err := h.fill(); err != nil {
				return nil, err
			}
		}
		for _, group := range []int{1, 64} {
			v, err := h.measureDisk(group)
			if err != nil {
				return nil, err
			}
			rows = append(rows, ours(fmt.Sprintf("refresh%s, %d a write to disk", among, group), "updates/s", v...))
		}
	}
	return rows, nil
}

func rates(ns []float64) []float64 {
	out := make([]float64, len(ns))
	for i, x := range ns {
		out[i] = 1e9 / x
	}
	return out
}
