package correspond

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/mip"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

var (
	self = netip.MustParseAddr("2001:db8:c::1")
	hoa  = netip.MustParseAddr("2001:db8:1::10")
	coa  = netip.MustParseAddr("2001:db8:a::10")
	coa2 = netip.MustParseAddr("2001:db8:b::10")
)

func at(d time.Duration) engine.Now { return engine.Now{Mono: engine.Mono(d)} }

// bench is a correspondent and a mobile node that does what the test says.
type bench struct {
	t   testing.TB
	n   *Node
	now time.Duration
	out engine.Effects
}

func newBench(t testing.TB, cfg Config) *bench {
	return &bench{t: t, n: New(cfg, engine.NewRand([32]byte{1}))}
}

// hear hands a packet over and returns the answer and the drops.
func (b *bench) hear(p ip6.Packet) (Answer, []string) {
	b.t.Helper()
	q, err := ip6.Parse(p.Append(nil))
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := mh.Parse(q.EffectiveSrc(), q.EffectiveDst(), q.Payload)
	if err != nil {
		b.t.Fatal(err)
	}
	b.out.Reset()
	a := b.n.Heard(at(b.now), &q, m, &b.out)
	return a, b.drops()
}

func (b *bench) drops() (list []string) {
	for _, e := range b.out.List {
		if e, ok := e.(engine.Event); ok && e.Name == engine.EventDrop {
			list = append(list, e.Reason)
		}
	}
	return list
}

// read parses an answer's packet.
func (b *bench) read(data []byte) (ip6.Packet, mh.Message) {
	b.t.Helper()
	p, err := ip6.Parse(data)
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		b.t.Fatal(err)
	}
	return p, m
}

func plain(src netip.Addr, m mh.Message) ip6.Packet {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: self}, Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, src, self, m)
	return p
}

// tokens are what the two tests bring.
type tokens struct {
	home, careOf [8]byte
	index        mh.NonceIndices
}

// test runs both tests.
func (b *bench) test(hoa, coa netip.Addr) (t tokens) {
	b.t.Helper()
	a, _ := b.hear(plain(hoa, &mh.HomeTestInit{Cookie: [8]byte{1}}))
	p, m := b.read(a.Packet)
	hot := m.(*mh.HomeTest)
	if p.Src != self || p.Dst != hoa || p.Routing2.IsValid() || hot.Cookie != [8]byte{1} {
		b.t.Fatalf("HoT %+v %+v", p, hot)
	}
	a, _ = b.hear(plain(coa, &mh.CareOfTestInit{Cookie: [8]byte{2}}))
	p, m = b.read(a.Packet)
	cot := m.(*mh.CareOfTest)
	if p.Src != self || p.Dst != coa || p.Routing2.IsValid() || cot.Cookie != [8]byte{2} {
		b.t.Fatalf("CoT %+v %+v", p, cot)
	}
	return tokens{hot.Keygen, cot.Keygen, mh.NonceIndices{Home: hot.NonceIndex, CareOf: cot.NonceIndex}}
}

// update is a Binding Update as a test wants it.
type update struct {
	hoa, coa netip.Addr
	seq      uint16
	lifetime time.Duration
	noAck    bool
	src      netip.Addr // coa when invalid; then coa goes into the alternate care-of address option
	edit     func(*mh.BindingUpdate)
	bare     bool // no home address option
}

func (u update) kbm(t tokens) [20]byte {
	if u.lifetime == 0 {
		return mip.Kbm(&t.home, nil)
	}
	return mip.Kbm(&t.home, &t.careOf)
}

// signs is the address under the authenticator.
func (u update) signs() netip.Addr {
	if u.lifetime == 0 {
		return u.hoa
	}
	return u.coa
}

func (u update) packet(t tokens) ip6.Packet {
	p := ip6.Packet{Header: ip6.Header{Src: u.coa, Dst: self}, HomeAddress: u.hoa, Proto: ip6.ProtoMH}
	bu := &mh.BindingUpdate{Seq: u.seq, Ack: !u.noAck, Lifetime: u.lifetime}
	bu.Options.Nonces = &t.index
	bu.Options.BindingAuth = make([]byte, mip.AuthLen)
	if u.src.IsValid() {
		p.Src, bu.Options.AltCareOf = u.src, u.coa
	}
	if u.bare {
		p.Src, p.HomeAddress = u.hoa, netip.Addr{}
	}
	if u.edit != nil {
		u.edit(bu)
	}
	kbm := u.kbm(t)
	if bu.Options.BindingAuth == nil {
		p.Payload = mh.Append(nil, p.EffectiveSrc(), self, bu)
		return p
	}
	p.Payload = mh.AppendSigned(nil, p.EffectiveSrc(), self, bu, func(covered []byte) []byte {
		return append(mip.Authenticator(kbm, u.signs(), self, covered), make([]byte, 20)...)
	})
	return p
}

// acked checks an acknowledgement and its authenticator and gives its status, sequence number and lifetime.
func (b *bench) acked(a Answer, u update, t tokens) (mh.Status, uint16, time.Duration) {
	b.t.Helper()
	p, m := b.read(a.Packet)
	ba := m.(*mh.BindingAck)
	src := u.coa
	if u.src.IsValid() {
		src = u.src
	}
	if p.Src != self || p.Dst != src && !u.bare || p.Routing2.IsValid() == u.bare || p.EffectiveDst() != u.hoa || ba.KeyMgmt || ba.MobileRouter {
		b.t.Errorf("acknowledgement to %v by %v: %+v", p.Dst, p.Routing2, ba)
	}
	covered, got, err := mh.Covered(p.Payload)
	signed := err == nil && mip.VerifyAuthenticator(u.kbm(t), u.signs(), self, covered, got)
	nonces := ba.Status >= mh.ExpiredHomeNonce && ba.Status <= mh.ExpiredNonces
	if signed == nonces || nonces && ba.Options.BindingAuth != nil {
		b.t.Errorf("status %v signed: %v", ba.Status, signed)
	}
	return ba.Status, ba.Seq, ba.Lifetime
}

// bind makes a binding with tokens of now.
func (b *bench) bind(u update) tokens {
	b.t.Helper()
	t := b.test(u.hoa, u.coa)
	a, drops := b.hear(u.packet(t))
	if len(drops) != 0 || a.Fact.Kind != Bound {
		b.t.Fatalf("not bound: %+v %v", a.Fact, drops)
	}
	return t
}

// tick runs the clock to a moment and collects what happens.
func (b *bench) tick(until time.Duration) (list []Answer) {
	for {
		due, _ := b.n.Deadline()
		if due > engine.Mono(until) {
			b.now = until
			return list
		}
		b.now = max(b.now, time.Duration(due))
		list = append(list, b.n.Tick(at(b.now), &b.out)...)
	}
}

// dump is all the state there is.
func dump(n *Node) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%+v\n%v\n", n.nonces, n.networks)
	for _, k := range slices.SortedFunc(maps.Keys(n.bindings), func(a, b key) int { return slices.Compare(a.hoa[:], b.hoa[:]) }) {
		due, _ := n.timers.Armed(k)
		fmt.Fprintf(&s, "%x %+v %v\n", k, *n.bindings[k], due)
	}
	fmt.Fprintln(&s, n.timers.Len())
	return s.String()
}

// Both tests, the update, its acknowledgement, a move, a removal: what each says and does.
//
// spec MIP-04
func TestExchange(t *testing.T) {
	b := newBench(t, Config{})
	u := update{hoa: hoa, coa: coa, seq: 65535, lifetime: time.Hour}
	tk := b.test(hoa, coa)
	if b.n.Len() != 0 || len(b.n.View()) != 0 {
		t.Fatal("a test left something behind")
	}
	a, drops := b.hear(u.packet(tk))
	if a.Fact != (Fact{Bound, hoa, self, coa}) || len(drops) != 0 || a.Unproven {
		t.Fatalf("%+v %v", a, drops)
	}
	if st, seq, life := b.acked(a, u, tk); st != mh.Accepted || seq != 65535 || life != MaxBindingLifetime {
		t.Errorf("%v %d %v", st, seq, life)
	}
	if v := b.n.View(); len(v) != 1 || v[0].CoA != coa || v[0].Expires != engine.Mono(MaxBindingLifetime) {
		t.Errorf("%+v", v)
	}
	// The same again, later: refreshed, and no route changes. Not asked for, it is not acknowledged.
	b.now = 20 * time.Second
	again := update{hoa: hoa, coa: coa, seq: 3, lifetime: 40 * time.Second, noAck: true} // 3 is after 65535
	if a, drops := b.hear(again.packet(tk)); a.Fact.Kind != Nothing || a.Packet != nil || len(drops) != 0 {
		t.Errorf("refresh: %+v %v", a, drops)
	}
	if v := b.n.View(); v[0].Expires != engine.Mono(60*time.Second) {
		t.Errorf("%+v", v)
	}
	move := update{hoa: hoa, coa: coa2, seq: 4, lifetime: time.Minute}
	tk2 := b.test(hoa, coa2)
	if a, _ := b.hear(move.packet(tk2)); a.Fact != (Fact{Bound, hoa, self, coa2}) {
		t.Errorf("move: %+v", a.Fact)
	}
	gone := update{hoa: hoa, seq: 5, bare: true}
	tk2.index.CareOf = 0 // ignored: §9.5.1
	a, drops = b.hear(gone.packet(tk2))
	if a.Fact != (Fact{Unbound, hoa, self, coa2}) || len(drops) != 0 {
		t.Errorf("removal: %+v %v", a.Fact, drops)
	}
	if st, seq, life := b.acked(a, gone, tk2); st != mh.Accepted || seq != 5 || life != 0 {
		t.Errorf("%v %d %v", st, seq, life)
	}
	if len(b.n.View()) != 0 {
		t.Error("still bound")
	}
}

// The alternate care-of address is what is bound and signed; the answer goes where the update came from. A removal may come
// from away.
//
// spec MIP-04
func TestAddresses(t *testing.T) {
	b := newBench(t, Config{})
	u := update{hoa: hoa, coa: coa, seq: 1, lifetime: time.Minute, src: coa2}
	tk := b.test(hoa, coa)
	a, _ := b.hear(u.packet(tk))
	if a.Fact != (Fact{Bound, hoa, self, coa}) {
		t.Fatalf("%+v", a.Fact)
	}
	b.acked(a, u, tk)
	away := update{hoa: hoa, coa: coa2, seq: 2}
	if a, _ = b.hear(away.packet(tk)); a.Fact.Kind != Unbound {
		t.Fatalf("%+v", a.Fact)
	}
	b.acked(a, away, tk)
}

// K is ignored, an unknown option skipped: §6.1.7, §6.2.1.
//
// spec MIP-04
func TestIgnored(t *testing.T) {
	b := newBench(t, Config{})
	b.bind(update{hoa: hoa, coa: coa, seq: 1, lifetime: time.Minute, edit: func(bu *mh.BindingUpdate) {
		bu.KeyMgmt, bu.LinkLocal = true, true
		bu.Options.Unknown = []mh.RawOption{{Type: 200, Data: []byte{1}}}
	}})
}
