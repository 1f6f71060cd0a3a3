package correspond

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Binding Refresh Requests, RFC 6275 §9.5.5. Mobile nodes refresh by themselves what they use; the request is for those
// whose updates were lost, or that only receive.
const (
	AskBefore   = 20 * time.Second // before a binding in use expires; a quarter of its lifetime if that is less
	AskInterval = 5 * time.Second  // between requests
	AskTimes    = 3                // requests for one lifetime
	InUse       = 60 * time.Second // traffic this recent makes a binding worth asking for
)

// A care-of address is given up after this many errors over this time (RFC 6275 §9.3.4: only if they persist, for anybody
// can forge one).
const (
	UnreachableErrors = 3
	UnreachableSpan   = 10 * time.Second
)

// key is a mobile node's home address and the address of ours it is bound with: RFC 6275 §9.1 has one cache for each.
type key struct{ hoa, peer [16]byte }

func keyOf(hoa, peer netip.Addr) key { return key{hoa.As16(), peer.As16()} }

// binding is an entry of the binding cache: RFC 6275 §9.1. When the binding ends, its sequence number stays until all nonces
// that ever authorised it are worthless, so that no update of before can be played again (§5.2.8).
type binding struct {
	coa     netip.Addr // invalid once the binding is gone
	seq     uint16
	asked   uint8 // times to send a refresh request that passed since the last update
	wasUsed bool
	errors  uint8
	granted time.Duration
	expires engine.Mono
	ask     engine.Mono // the next time to send a refresh request
	keep    engine.Mono // how long the sequence number counts
	used    engine.Mono // last traffic
	erring  engine.Mono // first of errors
}

// live reports whether a binding stands; a nil one does not.
func (b *binding) live(now engine.Mono) bool { return b != nil && b.coa.IsValid() && b.expires > now }

// kept reports whether the sequence number counts.
func (b *binding) kept(now engine.Mono) bool { return b.keep > now || b.live(now) }

// next is when the entry has something to do.
func (b *binding) next() engine.Mono {
	if !b.coa.IsValid() {
		return b.keep
	}
	if b.asked < AskTimes {
		return min(b.ask, b.expires)
	}
	return b.expires
}

// askFrom is when the first refresh request may be sent.
func (b *binding) askFrom() engine.Mono { return b.expires.Add(-min(AskBefore, b.granted/4)) }

// bind enters or changes a binding: RFC 6275 §9.5.2.
//
// spec MIP-04
func (n *Node) bind(now engine.Now, q *request, b *binding, out *engine.Effects) Answer {
	k := keyOf(q.hoa, q.peer)
	if b == nil {
		b = &binding{}
		n.bindings[k] = b
		n.networks[network(q.hoa)]++
	}
	a, what := Answer{}, "correspondent.refreshed"
	if b.coa != q.coa {
		what = "correspondent.bound"
		a.Fact = Fact{Kind: Bound, HoA: q.hoa, Peer: q.peer, CoA: q.coa}
	}
	granted := min(q.lifetime, n.cfg.Lifetime)
	*b = binding{
		coa: q.coa, seq: q.seq, granted: granted, expires: now.Mono.Add(granted), keep: now.Mono.Add(MaxNonceLifetime),
		used: b.used, wasUsed: b.wasUsed,
	}
	b.ask = b.askFrom()
	n.timers.Set(k, b.next())
	out.Event(what, engine.A("hoa", q.hoa), engine.A("coa", q.coa), engine.A("peer", q.peer), engine.S("lifetime", granted.String()))
	a.Packet = q.accept(granted)
	return a
}

// remove takes a binding away on its node's wish: RFC 6275 §9.5.3. Where there is none, none is made.
//
// spec MIP-04
func (n *Node) remove(now engine.Now, q *request, b *binding, out *engine.Effects) Answer {
	a := Answer{}
	if b != nil {
		if b.coa.IsValid() {
			a.Fact = Fact{Kind: Unbound, HoA: q.hoa, Peer: q.peer, CoA: b.coa}
			out.Event("correspondent.removed", engine.A("hoa", q.hoa), engine.A("coa", b.coa), engine.A("peer", q.peer))
		}
		*b = binding{seq: q.seq, keep: now.Mono.Add(MaxNonceLifetime)}
		n.timers.Set(keyOf(q.hoa, q.peer), b.next())
	}
	a.Packet = q.accept(0)
	return a
}

// Deadline is when Tick has something to do.
func (n *Node) Deadline() (engine.Mono, string) {
	at, _ := n.timers.Next()
	return at, "correspondent's bindings"
}

// Tick ends what expired and asks for what is about to.
//
// spec MIP-04
func (n *Node) Tick(now engine.Now, out *engine.Effects) []Answer {
	var answers []Answer
	for k, ok := n.timers.Pop(now.Mono); ok; k, ok = n.timers.Pop(now.Mono) {
		b := n.bindings[k]
		switch {
		case !b.coa.IsValid():
			n.forget(k)
			continue
		case b.expires <= now.Mono:
			answers = append(answers, n.end(k, b, "correspondent.expired", out))
			if b.keep <= now.Mono {
				n.forget(k)
				continue
			}
		default:
			b.asked++
			b.ask = now.Mono.Add(AskInterval)
			if b.wasUsed && now.Mono.Sub(b.used) <= InUse {
				answers = append(answers, Answer{Packet: ask(k)})
			}
		}
		n.timers.Set(k, b.next())
	}
	return answers
}

// end takes the care-of address out of an entry.
func (n *Node) end(k key, b *binding, what string, out *engine.Effects) Answer {
	f := Fact{Kind: Unbound, HoA: netip.AddrFrom16(k.hoa), Peer: netip.AddrFrom16(k.peer), CoA: b.coa}
	out.Event(what, engine.A("hoa", f.HoA), engine.A("coa", f.CoA), engine.A("peer", f.Peer))
	b.coa = netip.Addr{}
	return Answer{Fact: f}
}

// forget takes an entry out of the cache.
func (n *Node) forget(k key) {
	delete(n.bindings, k)
	n.timers.Stop(k)
	home := network(netip.AddrFrom16(k.hoa))
	if n.networks[home]--; n.networks[home] == 0 {
		delete(n.networks, home)
	}
}

// ask is a Binding Refresh Request, which goes to the home address always (§9.5.5).
func ask(k key) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: netip.AddrFrom16(k.peer), Dst: netip.AddrFrom16(k.hoa)}, Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, p.Src, p.Dst, &mh.BindingRefreshRequest{})
	return p.Append(nil)
}

// Used tells that packets went to the mobile node by its binding of late. The plane's counters know; a look every few
// seconds is enough.
func (n *Node) Used(now engine.Now, hoa, peer netip.Addr) {
	k := keyOf(hoa, peer)
	b := n.bindings[k]
	if !b.live(now.Mono) {
		return
	}
	if !b.wasUsed || now.Mono.Sub(b.used) > InUse {
		b.asked, b.ask = 0, max(now.Mono, b.askFrom()) // what was not asked for want of traffic may be asked now
		n.timers.Set(k, b.next())
	}
	b.used, b.wasUsed = now.Mono, true
}

// Unreachable tells of an ICMPv6 Destination Unreachable about a packet that went to a care-of address by its binding.
// Errors that persist end the binding, and packets go to the home address again: RFC 6275 §9.3.4.
func (n *Node) Unreachable(now engine.Now, hoa, peer, coa netip.Addr, out *engine.Effects) Answer {
	k := keyOf(hoa, peer)
	b := n.bindings[k]
	if !b.live(now.Mono) || b.coa != coa {
		return Answer{}
	}
	if b.errors == 0 || now.Mono.Sub(b.erring) > UnreachableErrors*UnreachableSpan {
		b.errors, b.erring = 0, now.Mono
	}
	b.errors = min(b.errors+1, UnreachableErrors)
	if b.errors < UnreachableErrors || now.Mono.Sub(b.erring) < UnreachableSpan {
		return Answer{}
	}
	a := n.end(k, b, "correspondent.unreachable", out)
	n.timers.Set(k, max(now.Mono, b.next()))
	return a
}

// Binding is one entry as shown.
type Binding struct {
	HoA      netip.Addr    `json:"hoa"`
	Peer     netip.Addr    `json:"peer"` // our address
	CoA      netip.Addr    `json:"coa"`
	Seq      uint16        `json:"sequence"`
	Lifetime time.Duration `json:"lifetime"` // granted, in nanoseconds
	Expires  engine.Mono   `json:"expires"`
}

// View lists the bindings that stand, by home address and peer.
func (n *Node) View() []Binding {
	var list []Binding
	for k, b := range n.bindings { //order:any — sorted below
		if b.coa.IsValid() {
			list = append(list, Binding{netip.AddrFrom16(k.hoa), netip.AddrFrom16(k.peer), b.coa, b.seq, b.granted, b.expires})
		}
	}
	slices.SortFunc(list, func(a, b Binding) int {
		if c := a.HoA.Compare(b.HoA); c != 0 {
			return c
		}
		return a.Peer.Compare(b.Peer)
	})
	return list
}

// Len is the number of entries, those that only keep a sequence number included.
func (n *Node) Len() int { return len(n.bindings) }

func network(hoa netip.Addr) netip.Prefix {
	p, err := hoa.Prefix(NetworkBits)
	if err != nil {
		panic("correspond: " + err.Error()) // home addresses were checked
	}
	return p
}
