package fast

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/machine/lwkrb"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/fast"
	"roam6/wire/ip6"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// Choices and limits of the routers' ends.
const (
	// RedirectFor is how long an offer to a node stands: long enough for an ap-req with each of its tickets (machine/lwkrb.MaxWait) and a bit.
	RedirectFor = 5 * time.Second
	// MaxRedirect is how often a Redirect is sent that nobody answers, FirstRedirect after the first one, then twice as long each time.
	MaxRedirect   = 3
	FirstRedirect = 100 * time.Millisecond
	// MaxHandover and FirstHandover are the same of a Handover: 3.1 s in all, more than the next router waits for its KDC.
	MaxHandover   = 5
	FirstHandover = 100 * time.Millisecond
	// MaxMessages is how many messages of nodes a second are looked at that nothing proves, of all together.
	MaxMessages = 400
	// Forwarding is how long packets are forwarded for a node that has left.
	Forwarding = 20 * time.Second
)

// VerbHandover is the operator's order: mobile=HW cell=BSSID. The node is told to hand over to a neighbour's cell.
const VerbHandover = "handover"

// RouterConfig is the routers' ends'.
type RouterConfig struct {
	Address    netip.Addr // service address: engine-owned, in one of Links' prefixes
	Links      []handover.RouterLink
	Cells      []plane.HW // identities of this router's own points of attachment
	Neighbours []handover.Peer
	Gate       bool // nodes send by Links only when they have authenticated themselves
	SHREP      bool // nodes are announced by unsolicited SHREP in place of Handover: appendix B
	Kerberos   lwkrb.RouterConfig
	Keys       []lwkrb.Key
	// AskKDC, if set, takes an open-req to a KDC; what comes back is given to KDCAnswered. try counts from 1.
	AskKDC func(now engine.Now, octets []byte, try int, out *engine.Effects)
	// Announced, if set, is told of a node that has authenticated itself, and again when it is here, so that who else holds the gate lets it.
	Announced func(now engine.Now, x handover.Arrival, out *engine.Effects)
	// Judge, if set, says whether who has authenticated himself may come, as his attributes have it; later, by Judged, if it is not decided.
	Judge func(now engine.Now, j *lwkrb.Judge, out *engine.Effects) (v lwkrb.Verdict, decided bool)
}

// Router is the access router's end: par.go when a node leaves, nar.go when one comes.
type Router struct {
	c          RouterConfig
	rand       *engine.Rand
	routers    *handover.Routers
	sessions   *handover.Sessions
	arrivals   *handover.Arrivals
	departures *handover.Departures
	kerberos   *lwkrb.Router
	speaker    neighbor.Speaker
	offers     map[netip.Addr]*offer     // by previous care-of address
	timers     engine.Timers[netip.Addr] // of offers
	budget     engine.Bucket
	life       uint32 // another one when sessions were lost
}

var (
	_ handover.Router    = (*Router)(nil)
	_ handover.Messenger = (*Router)(nil)
)

// NewRouter makes an access router's end.
func NewRouter(c RouterConfig, rand *engine.Rand) (*Router, error) {
	if c.Kerberos.KDC != (c.AskKDC != nil) {
		return nil, errors.New("fast: a KDC that is asked needs both Kerberos.KDC and AskKDC")
	}
	for _, n := range c.Neighbours {
		if !n.Prefix.Contains(n.Address) || n.Prefix.Bits() != 64 || !n.Principal.Router() {
			return nil, fmt.Errorf("fast: neighbour %v: its address has to be in its prefix, a /64, and its principal mobileip/HOST@REALM", n.Address)
		}
	}
	r := &Router{c: c, rand: rand, offers: map[netip.Addr]*offer{}, departures: handover.NewDepartures(c.Address)}
	var err error
	if r.routers, err = handover.NewRouters(c.Address, c.Neighbours); err != nil {
		return nil, fmt.Errorf("fast: %w", err)
	}
	c.Kerberos.Offer |= offers
	if r.kerberos, err = lwkrb.NewRouter(c.Kerberos, c.Keys, rand); err != nil {
		return nil, fmt.Errorf("fast: %w", err)
	}
	var gated []plane.Port
	for _, l := range c.Links {
		if c.Gate {
			gated = append(gated, l.Port)
		}
	}
	r.sessions = handover.NewSessions(gated)
	r.arrivals = handover.NewArrivals(c.Address, c.Links, &r.speaker)
	return r, nil
}

// Start takes the service address and what an earlier life used and took.
func (r *Router) Start(now engine.Now, in engine.Start, out *engine.Effects) {
	r.routers.Restore(in.Records)
	r.kerberos.Restore(now, in.Records, out)
	r.sessions.Start(out)
	r.begin()
	port := r.linkOf(r.c.Address)
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: r.c.Address, Local: plane.Local{Port: port, Capture: true}}})
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: onLink(r.c.Address), Local: plane.Local{Port: port}}})
}

// onLink is where nodes of the link speak to a router with a service address: the link-local address that follows from it (§5). What is sent there
// comes straight from the link, with its hop limit and its sender's station; what is sent to the service address may come through the
// kernel, which has neither.
//
// spec FH-02
func onLink(service netip.Addr) netip.Addr { return fast.LinkLocal(netip.PrefixFrom(service, 64)) }

func (r *Router) linkOf(a netip.Addr) plane.Port {
	for _, l := range r.c.Links {
		if l.Prefix.Contains(a) {
			return l.Port
		}
	}
	return plane.Kernel
}

// LinkUp speaks for the service address on its link.
func (r *Router) LinkUp(_ engine.Now, in engine.LinkUp, _ *engine.Effects) {
	r.arrivals.LinkUp(in)
	if in.Port == r.linkOf(r.c.Address) {
		for _, a := range []netip.Addr{r.c.Address, onLink(r.c.Address)} {
			r.speaker.Own(neighbor.Key{Port: in.Port, Addr: a}, neighbor.Stance{HW: in.HW, Router: true, Source: ip6.LinkLocal(in.HW)})
		}
	}
}

// LinkDown ends what depends on the link.
func (r *Router) LinkDown(_ engine.Now, in engine.LinkDown, out *engine.Effects) {
	r.arrivals.LinkDown(in)
	r.sessions.ClosePort(in.Port, out)
	r.begin()
}

// begin draws what tells nodes that they are not known any more.
func (r *Router) begin() { r.life = uint32(r.rand.Uint64()) | 1 }

// Advertised is what the router's advertisements say: who it is, so that a node which comes without notice knows whom a ticket is wanted for, and
// since when.
func (r *Router) Advertised() *subopt.Handover {
	return &subopt.Handover{Principal: principalOf(r.c.Kerberos.Self), Life: r.life}
}

// Neighbour takes neighbour discovery of an access link: the mobile node's word about the cell it hears, and signs of nodes that come.
//
// spec FH-06 FH-07
func (r *Router) Neighbour(now engine.Now, in engine.Packet, p *ip6.Packet, m nd.Message, out *engine.Effects) {
	if ask, ok := m.(*nd.RtSolPr); ok {
		r.asked(now, in, p, ask, out)
		return
	}
	s, ok := r.arrivals.Heard(now, in, p, m, out)
	switch {
	case !ok:
	case s.Taken && s.Node:
		r.deny(s.CoA, s.HW, subopt.AddressInUse, nil, out)
	case s.Taken:
		r.conflict(now, s.CoA, out)
	default:
		r.here(now, s.CoA, out)
	}
}

// here is a node that was heard on its link.
func (r *Router) here(now engine.Now, coa netip.Addr, out *engine.Effects) {
	r.arrivals.Here(now, coa, out)
	r.let(now, coa, out)
}

// let tells who else holds the gate of a node that is known.
func (r *Router) let(now engine.Now, coa netip.Addr, out *engine.Effects) {
	if x := r.arrivals.Of(coa); r.c.Announced != nil && x != nil && x.Known {
		r.c.Announced(now, *x, out)
	}
}

// Mobility is not how this strategy speaks.
func (r *Router) Mobility(_ engine.Now, _ engine.Packet, p *ip6.Packet, out *engine.Effects) {
	out.Drop("unknown-mh-type", engine.A("from", p.Src))
}

// Message takes what is for the service address: of routers under AH, of nodes under AH where they have keys.
//
// spec FH-18
func (r *Router) Message(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	if p.Dst != r.c.Address && (p.Dst != onLink(r.c.Address) || in.Port != r.linkOf(r.c.Address)) {
		out.Drop("fast-not-for-us", engine.A("to", p.Dst))
		return
	}
	if p.Dst == r.c.Address && r.routers.Knows(p) {
		if from, m := r.routers.Open(in, p, out); m != nil {
			r.fromRouter(now, from, m, out)
		}
		return
	}
	said := said{in: in, src: p.Src, hop: p.HopLimit}
	if p.Proto == ip6.ProtoAH {
		coa, plain, reason := r.sessions.Open(in.Data, out)
		if reason == "" && (plain.Proto != ip6.ProtoICMPv6 || plain.HomeAddress.IsValid()) {
			reason = "fast-unexpected"
		}
		if reason != "" {
			out.Drop(reason, engine.A("from", p.Src))
			return
		}
		said.by, p = coa, &plain
	} else if !r.budget.Take(now.Mono, MaxMessages, MaxMessages) {
		out.Drop("fast-rate", engine.A("from", p.Src))
		return
	}
	m, err := fast.Parse(p.Src, p.Dst, p.Payload)
	if err != nil {
		out.Drop("fast-malformed", engine.A("from", p.Src), engine.S("error", err.Error()))
		return
	}
	r.fromNode(now, said, m, out)
}

// said is how a node's message came.
type said struct {
	in  engine.Packet
	src netip.Addr
	hop uint8
	by  netip.Addr // the care-of address of the session that proves it; invalid: nothing does
}

func (r *Router) fromRouter(now engine.Now, from *handover.Peer, m fast.Message, out *engine.Effects) {
	switch m := m.(type) {
	case *fast.Handover:
		r.onHandover(now, from, &m.Announced, out)
	case *fast.SHREP:
		r.onHandover(now, from, &m.Announced, out)
	case *fast.HandoverError:
		r.onError(now, from, m, out)
	case *fast.AuthenticatedMN:
		r.onAuthenticated(now, from, m, out)
	default:
		out.Drop("fast-unexpected", engine.A("from", from.Address))
	}
}

func (r *Router) fromNode(now engine.Now, s said, m fast.Message, out *engine.Effects) {
	if fast.OneLink(m.Subtype()) && s.hop != fast.HopLimit {
		out.Drop("fast-from-afar", engine.A("from", s.src))
		return
	}
	switch m := m.(type) {
	case *fast.RedirectAck:
		r.onAck(now, s, m, out)
	case *fast.SHIN:
		r.onSHIN(now, s, m, out)
	case *fast.Notification:
		r.onNotification(now, s, m, out)
	case *fast.Handover, *fast.SHREP, *fast.HandoverError, *fast.AuthenticatedMN:
		out.Drop("unprotected", engine.A("from", s.src))
	default:
		out.Drop("fast-unexpected", engine.A("from", s.src))
	}
}

// tell sends a message to a node's own station, under AH if they have keys. It is false if it is too long or the link is down.
func (r *Router) tell(port plane.Port, hw plane.HW, coa netip.Addr, m fast.Message, out *engine.Effects) bool {
	if data := r.packet(port, coa, m); data != nil {
		out.Send(port, hw, r.sessions.Seal(coa, data, out))
		return true
	}
	return false
}

// bare sends one that proves itself, or is a hint.
func (r *Router) bare(port plane.Port, hw plane.HW, coa netip.Addr, m fast.Message, out *engine.Effects) {
	if data := r.packet(port, coa, m); data != nil {
		out.Send(port, hw, data)
	}
}

func (r *Router) packet(port plane.Port, coa netip.Addr, m fast.Message) []byte {
	if _, up := r.arrivals.HWOf(port); !up || fast.Len(m) > fast.MaxMessage {
		return nil
	}
	p := ip6.Packet{Header: ip6.Header{HopLimit: fast.HopLimit, Src: r.c.Address, Dst: coa}, Proto: ip6.ProtoICMPv6}
	p.Payload = fast.Append(nil, p.Src, p.Dst, m)
	return p.Append(nil)
}

// Command carries out VerbHandover; see handover.Router.
func (r *Router) Command(now engine.Now, verb string, args map[string]string, out *engine.Effects) (bool, error) {
	if verb != VerbHandover {
		return false, nil
	}
	var hw, cell plane.HW
	for key, at := range map[string]*plane.HW{"mobile": &hw, "cell": &cell} { //order:any — both are wanted
		b, err := hex.DecodeString(strings.ReplaceAll(args[key], ":", ""))
		if err != nil || len(b) != len(hw) {
			return true, fmt.Errorf("%s=%q: six octets are wanted, such as %s=02:00:5e:10:00:01", key, args[key], key)
		}
		*at = plane.HW(b)
	}
	to := r.routers.Behind(cell)
	if to == nil {
		return true, fmt.Errorf("cell=%s: a cell of one of this router's neighbours is wanted", args["cell"])
	}
	sent := false
	for _, l := range r.c.Links {
		if _, up := r.arrivals.HWOf(l.Port); up {
			sent = r.redirect(now, l, hw, to, cell, out) || sent
		}
	}
	if !sent {
		return true, errors.New("no access link is up, or there is no room")
	}
	return true, nil
}

// Tick does what is due.
func (r *Router) Tick(now engine.Now, out *engine.Effects) {
	r.facts(now, r.kerberos.Tick(now, out), out)
	r.sessions.Tick(now, out)
	r.departures.Tick(now, out)
	for pcoa, ok := r.timers.Pop(now.Mono); ok; pcoa, ok = r.timers.Pop(now.Mono) {
		r.offerDue(now, r.offers[pcoa], out)
	}
	for _, x := range r.arrivals.Tick(now, out) {
		r.lapsed(x, out)
	}
}

// Deadline is when Tick has something to do.
func (r *Router) Deadline() (engine.Mono, string) {
	at, why := r.kerberos.Deadline()
	next, _ := r.timers.Next()
	if next < at {
		at, why = next, "handover of a mobile node that leaves"
	}
	for _, d := range []func() (engine.Mono, string){r.sessions.Deadline, r.departures.Deadline, r.arrivals.Deadline} {
		if t, w := d(); t < at {
			at, why = t, w
		}
	}
	return at, why
}

// RouterView is what the router's end shows.
type RouterView struct {
	Address  string           `json:"address"`
	Offers   int              `json:"offers"`   // redirects that stand
	Leaving  int              `json:"leaving"`  // nodes whose packets are sent on
	Expected int              `json:"expected"` // nodes that are to come, or have come a moment ago
	Sessions int              `json:"sessions"` // nodes that have authenticated themselves
	Kerberos lwkrb.RouterView `json:"kerberos"`
}

// View shows the router's end.
func (r *Router) View() any {
	return RouterView{r.c.Address.String(), len(r.offers), r.departures.Len(), r.arrivals.Len(), r.sessions.Len(), r.kerberos.View()}
}

func (r *Router) own(cell plane.HW) bool { return slices.Contains(r.c.Cells, cell) }
