package correspond

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/keying/mip"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// request is a Binding Update reduced to what matters.
type request struct {
	hoa, peer netip.Addr
	coa       netip.Addr // to be bound; the home address in a removal, as its authenticator has it (§6.2.7)
	from      netip.Addr // where the answer goes, §9.5.4
	seq       uint16
	lifetime  time.Duration // 0 removes
	ack       bool
	kbm       [mip.KbmLen]byte
}

func (q *request) removes() bool { return q.lifetime == 0 }

// onBU decides about a Binding Update: RFC 6275 §9.5.1. Authenticity comes before the sequence number, so that nobody
// but the mobile node learns that number.
//
// spec MIP-04
func (n *Node) onBU(now engine.Now, p *ip6.Packet, bu *mh.BindingUpdate, out *engine.Effects) Answer {
	q, reason := read(p, bu)
	if reason != "" {
		return drop(p, reason, out)
	}
	if status := n.derive(now, &q, bu.Options.Nonces); status != mh.Accepted {
		a := refuse(&q, NonceUnknown, status, q.seq, out)
		a.Unproven = true
		return a
	}
	covered, got, err := mh.Covered(p.Payload)
	if err != nil || !mip.VerifyAuthenticator(q.kbm, q.coa, q.peer, covered, got) {
		return drop(p, Mismatch, out)
	}
	b := n.bindings[keyOf(q.hoa, q.peer)]
	if b != nil && b.kept(now.Mono) && !mh.After(q.seq, b.seq) {
		a := refuse(&q, OutOfSequence, mh.SequenceOutOfWindow, b.seq, out)
		a.Unproven = true // perhaps it is one of before, played again from anywhere
		return a
	}
	if len(bu.Options.Bindings) > 1 { // RFC 5648 §6.2; the number of a single one tells a holder of one binding nothing
		//spec MIP-08
		return refuse(&q, Refused, mh.MCOABulkProhibited, q.seq, out)
	}
	if q.removes() {
		return n.remove(now, &q, b, out)
	}
	if status := n.admit(&q, b); status != mh.Accepted {
		return refuse(&q, Refused, status, q.seq, out)
	}
	return n.bind(now, &q, b, out)
}

// read checks all that the packet alone can tell. K and L are for home agents only and ignored, as §6.1.7 wants.
func read(p *ip6.Packet, bu *mh.BindingUpdate) (request, string) {
	q := request{
		hoa: p.EffectiveSrc(), peer: p.Dst, coa: p.Src, from: p.Src,
		seq: bu.Seq, lifetime: bu.Lifetime, ack: bu.Ack,
	}
	o := &bu.Options
	if o.AltCareOf.IsValid() {
		q.coa = o.AltCareOf
	}
	switch {
	case bu.Home:
		return q, HomeRegistering
	case o.Nonces == nil || len(o.BindingAuth) != mip.AuthLen || o.Auth != nil || o.AuthAAA != nil:
		return q, Unauthorised
	case !ip6.Routable(q.hoa) || q.hoa == q.peer:
		return q, BadHome
	case q.removes():
		q.coa = q.hoa
	case !ip6.Routable(q.coa) || q.coa == q.peer || q.coa == q.hoa: // §6.1.7: only a lifetime of 0 removes
		return q, BadCareOf
	}
	return q, ""
}

// derive makes Kbm anew from the nonces that the indices name; a removal needs the home nonce only (§5.2.5).
func (n *Node) derive(now engine.Now, q *request, index *mh.NonceIndices) mh.Status {
	home := n.nonces.find(now.Mono, index.Home)
	var careOf *nonce
	if !q.removes() {
		careOf = n.nonces.find(now.Mono, index.CareOf)
	}
	switch noCareOf := careOf == nil && !q.removes(); {
	case home == nil && noCareOf:
		return mh.ExpiredNonces
	case home == nil:
		return mh.ExpiredHomeNonce
	case noCareOf:
		return mh.ExpiredCareOfNonce
	}
	token := mip.KeygenToken(home.kcn, q.hoa, home.value[:], false)
	if q.removes() {
		q.kbm = mip.Kbm(&token, nil)
		return mh.Accepted
	}
	second := mip.KeygenToken(careOf.kcn, q.coa, careOf.value[:], true)
	q.kbm = mip.Kbm(&token, &second)
	return mh.Accepted
}

// admit says whether policy and memory allow a binding; b is what is there already.
func (n *Node) admit(q *request, b *binding) mh.Status {
	bits, refused := -1, false
	for _, r := range n.cfg.Rules {
		if r.Home.Bits() > bits && r.Home.Contains(q.hoa) {
			bits, refused = r.Home.Bits(), r.Refuse
		}
	}
	switch {
	case refused:
		return mh.AdministrativelyProhibited
	case b != nil: // its place is taken already
	case len(n.bindings) >= n.cfg.Max || n.networks[network(q.hoa)] >= max(1, n.cfg.Max/NetworkShare):
		return mh.InsufficientResources
	}
	return mh.Accepted
}

// refuse answers with a status and leaves everything as it was.
func refuse(q *request, reason string, status mh.Status, seq uint16, out *engine.Effects) Answer {
	out.Drop(reason, engine.A("hoa", q.hoa), engine.A("from", q.from), engine.S("status", status.String()))
	return Answer{Packet: q.answer(status, seq, 0)}
}

// answer is a Binding Acknowledgement: RFC 6275 §9.5.4. It goes where the update came from, with the home address in a
// routing header if the update had it in an option, and is signed unless the nonces are not known.
func (q *request) answer(status mh.Status, seq uint16, lifetime time.Duration) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: q.peer, Dst: q.from}, Proto: ip6.ProtoMH}
	if q.from != q.hoa {
		p.Routing2 = q.hoa
	}
	ba := &mh.BindingAck{Status: status, Seq: seq, Lifetime: lifetime}
	if status.NoncesExpired() {
		p.Payload = mh.Append(nil, q.peer, q.hoa, ba)
	} else {
		ba.Options.BindingAuth = make([]byte, mip.AuthLen)
		p.Payload = mh.AppendSigned(nil, q.peer, q.hoa, ba, func(covered []byte) []byte {
			return mip.Authenticator(q.kbm, q.coa, q.peer, covered)
		})
	}
	return p.Append(nil)
}

// accept answers an update that was carried out, if an answer is wanted.
func (q *request) accept(lifetime time.Duration) []byte {
	if !q.ack {
		return nil
	}
	return q.answer(mh.Accepted, q.seq, lifetime)
}
