package mn

import (
	"time"

	"roam6/engine"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// Limits of mobile prefix discovery.
const (
	PrefixSolicitTimeout = 3 * time.Second // INITIAL_SOLICIT_TIMER, RFC 6275 §12
	PrefixSolicitRetries = 4
	// prefixMargin is how long before the home prefix's end it is asked for again.
	prefixMargin = 10 * time.Minute
)

// prefixes is mobile prefix discovery: RFC 6275 §11.4.2 and §11.4.3.
type prefixes struct {
	asked  bool
	id     uint16
	tries  int
	wait   time.Duration
	valid  engine.Mono // end of the home prefix; 0: not told yet
	timers engine.Timers[struct{}]
}

func (p *prefixes) deadline() (engine.Mono, string) {
	at, _ := p.timers.Next()
	return at, "mobile prefix discovery"
}

// solicitPrefixes asks the home agent which prefixes the home link has now.
//
// spec MIP-05
func (n *Node) solicitPrefixes(now engine.Now, out *engine.Effects) {
	n.prefixes = prefixes{asked: true, id: n.rand.Uint16(), wait: PrefixSolicitTimeout, valid: n.prefixes.valid}
	n.askPrefixes(now, out)
}

func (n *Node) askPrefixes(now engine.Now, out *engine.Effects) {
	d := &n.prefixes
	d.tries++
	d.timers.Set(struct{}{}, now.Mono.Add(d.wait))
	d.wait = min(2*d.wait, MaxBindackTimeout) // RFC 6275 §11.8
	a := n.accessOf(n.home.port)
	if a == nil || !a.usable() || n.id.sa == nil || n.home.phase != current || n.home.atHome {
		return
	}
	p := ip6.Packet{Header: ip6.Header{Src: n.home.coa, Dst: n.home.agent}, HomeAddress: n.id.home, Proto: ip6.ProtoICMPv6}
	p.Payload = icmp6.Append(nil, n.id.home, p.Dst, &icmp6.PrefixSolicitation{ID: d.id})
	n.transmit(a, n.id.sa.Seal(p, out), out)
}

// prefixAdvertisement takes one that came under ESP.
func (n *Node) prefixAdvertisement(now engine.Now, p *ip6.Packet, icmp []byte, out *engine.Effects) {
	msg, err := icmp6.Parse(p.EffectiveSrc(), p.EffectiveDst(), icmp)
	m, ok := msg.(*icmp6.PrefixAdvertisement)
	if err != nil || !ok {
		out.Drop("icmp6-malformed", engine.A("from", p.Src))
		return
	}
	n.commit(out)
	n.onPrefixes(now, p, m, out)
}

// onPrefixes takes a mobile prefix advertisement: an answer, or unasked when the home link changes.
func (n *Node) onPrefixes(now engine.Now, p *ip6.Packet, m *icmp6.PrefixAdvertisement, out *engine.Effects) {
	d := &n.prefixes
	if p.Src != n.home.agent || p.Routing2 != n.id.home || n.home.phase != current || n.home.atHome {
		out.Drop("mpa-not-from-home-agent", engine.A("from", p.Src))
		return
	}
	if !d.asked || m.ID != d.id {
		// Unasked: RFC 6275 §11.4.3 answers with a solicitation instead of believing it.
		if !d.asked {
			n.solicitPrefixes(now, out)
		}
		out.Drop("mpa-unsolicited", engine.A("from", p.Src))
		return
	}
	d.asked = false
	d.timers = engine.Timers[struct{}]{}
	for _, pfx := range m.Prefixes {
		if pfx.Prefix != n.id.prefix {
			continue
		}
		d.valid = now.Mono.Add(pfx.Valid)
		out.Event("home-prefix", engine.A("prefix", pfx.Prefix), engine.S("valid", pfx.Valid.String()))
		if pfx.Valid > prefixMargin {
			d.timers.Set(struct{}{}, d.valid.Add(-prefixMargin))
		}
	}
}

func (n *Node) prefixTick(now engine.Now, out *engine.Effects) {
	d := &n.prefixes
	for _, ok := d.timers.Pop(now.Mono); ok; _, ok = d.timers.Pop(now.Mono) {
		switch {
		case !d.asked:
			n.solicitPrefixes(now, out)
		case d.tries <= PrefixSolicitRetries:
			n.askPrefixes(now, out)
		default:
			d.asked = false
			out.Event("home-prefix.unanswered")
		}
	}
}
