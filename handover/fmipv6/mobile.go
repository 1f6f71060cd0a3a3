package fmipv6

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
)

// Protocol constants, RFC 5568 §9, §6.1.1 and §6.2.1.1.
const (
	MaxRtSolPr    = 1 + 3 // sent in one use: the first and RTSOLPR_RETRIES
	MaxFBU        = 1 + 3 // the same of FBU: FBU_RETRIES
	RtSolPrRate   = 3     // a second, MAX_RTSOLPR_RATE
	FirstInterval = 100 * time.Millisecond
)

// Choices where RFC 5568 leaves them open.
const (
	// FirstFBU is how long the first FBack may take, which waits for the routers' exchange: so long that routers of two operators
	// are not asked twice, so short that a second one still fits into a notice of 200 ms.
	FirstFBU = 100 * time.Millisecond
	// Lifetime of the forwarding that is asked for: enough for the home agent to be told again and again ("tens of seconds", §5.6).
	Lifetime = 20 * time.Second
	// Patience is how long the link may take to switch once the node is ready. Less than ProxyLifetime: the next router
	// must hold packets still when the node says that it stays after all.
	Patience = time.Second
)

// Config is the mobile node's end's.
type Config struct {
	Keys map[plane.Port]Key // the handover key of each link; on a link without one nothing is prepared
	Name string             // of the durable record
	// NetworkInitiated takes handovers that the access router begins, and what it tells of cells around unasked. Nothing proves who sent
	// such an advertisement: whoever is on the link may then have the node attach where he likes.
	NetworkInitiated bool
}

// Mobile is the mobile node's end. It leaves to the base strategy whatever no handover is prepared for.
type Mobile struct {
	base handover.Mobile
	core handover.FastCore
	keys map[plane.Port]prover
	name string
	rand *engine.Rand
	open bool // Config.NetworkInitiated

	state  state
	port   plane.Port                   // of the handover that is prepared or under way
	hint   engine.LinkHint              // what it follows
	id     uint16                       // of the RtSolPr
	asked  [RtSolPrRate]engine.Mono     // when the latest RtSolPr left, the oldest first
	asks   int                          // how many left
	sites  map[plane.Port]handover.Site // where the node was last able to send from
	prev   handover.Site                // where it leaves
	next   handover.Next                // where it goes
	seq    uint16                       // of the latest FBU
	first  uint16                       // of the first FBU of this handover
	acked  bool                         // the FBack came
	closed bool                         // it said that the next router lets the node send nothing before it has authenticated itself
	denied bool                         // the next router wanted another address already
	around around                       // cells that the router told of unasked
	tries  int
	wait   time.Duration
	until  engine.Mono // end of what the FBack granted
	leases leases
	undo   undo
	timers engine.Timers[timer]
}

type timer uint8

const (
	again  timer = iota // RtSolPr or FBU
	commit              // the link has not switched
	lease               // a forwarding ends
	repeat              // FBU that ends a forwarding
)

const seqBucket = "mn/fast"

// NewMobile makes the mobile node's end on its core. base is the strategy that acts when nothing is prepared.
func NewMobile(core handover.FastCore, base handover.Mobile, c Config) (*Mobile, error) {
	m := &Mobile{core: core, base: base, name: c.Name, open: c.NetworkInitiated, state: idle, keys: map[plane.Port]prover{}, sites: map[plane.Port]handover.Site{}}
	for port, k := range c.Keys { //order:any
		v, err := newProver(k)
		if err != nil {
			return nil, fmt.Errorf("link %d: %w", port, err)
		}
		m.keys[port] = v
	}
	return m, nil
}

// State names the state: the base strategy's, while nothing is prepared.
func (m *Mobile) State() string {
	if m.state == idle {
		return m.base.State()
	}
	return string(m.state)
}

// Start takes up the sequence number of an earlier life: routers refuse a lower one.
func (m *Mobile) Start(in engine.Start, rand *engine.Rand) {
	m.rand = rand
	for _, r := range in.Records {
		if r.Bucket == seqBucket && len(r.Value) == 2 {
			m.seq = binary.BigEndian.Uint16(r.Value)
		}
	}
}

// LinkUp see handover.Mobile.
func (m *Mobile) LinkUp(now engine.Now, port plane.Port, out *engine.Effects) {
	m.base.LinkUp(now, port, out)
}

// LinkDown ends what needed the link. What the previous router has been asked for stands.
func (m *Mobile) LinkDown(now engine.Now, port plane.Port, out *engine.Effects) {
	if port == m.port {
		m.timers.Stop(again)
		m.timers.Stop(commit)
		switch m.state {
		case asking:
			m.fellBack("moved before the router told what is next", out)
		case reacting, arrived:
			m.become(idle, "link down", out)
		}
	}
	m.base.LinkDown(now, port, out)
}

// RouterFound see handover.Mobile.
func (m *Mobile) RouterFound(now engine.Now, port plane.Port, out *engine.Effects) {
	m.base.RouterFound(now, port, out)
}

// RouterConfirmed says that the node is where it was.
func (m *Mobile) RouterConfirmed(now engine.Now, port plane.Port, out *engine.Effects) {
	m.settled(now, port, out)
	m.base.RouterConfirmed(now, port, out)
}

// AddressReady is where a handover that was not prepared, or not for here, begins its second part.
func (m *Mobile) AddressReady(now engine.Now, port plane.Port, out *engine.Effects) {
	m.settled(now, port, out)
	m.base.AddressReady(now, port, out)
}

// AccessLost see handover.Mobile.
func (m *Mobile) AccessLost(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	if port == m.port && m.state != idle && m.state != ready && m.state != announcing {
		m.give(why, out)
	}
	m.base.AccessLost(now, port, why, out)
}

// Registered ends the handover: the forwarding runs out by itself, for what is on its way.
func (m *Mobile) Registered(now engine.Now, port plane.Port, out *engine.Effects) {
	if m.state == arrived && port == m.port && m.acked {
		m.give("binding acknowledged", out)
	}
	m.base.Registered(now, port, out)
}

// RegistrationFailed see handover.Mobile.
func (m *Mobile) RegistrationFailed(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	m.base.RegistrationFailed(now, port, why, out)
}

// Deadline is when Tick has something to do.
func (m *Mobile) Deadline() (engine.Mono, string) {
	at, what := m.timers.Next()
	return at, [...]string{"answer of the access router", "switch of the link", "end of a forwarding", "answer to a release"}[what]
}

// Tick does what is due.
func (m *Mobile) Tick(now engine.Now, out *engine.Effects) {
	for t, ok := m.timers.Pop(now.Mono); ok; t, ok = m.timers.Pop(now.Mono) {
		switch t {
		case again:
			m.unanswered(now, out)
		case commit:
			m.stayed(now, out)
		case lease:
			m.expire(now, out)
		case repeat:
			m.releaseAgain(now, out)
		}
	}
}

// give ends the handover as far as this strategy goes.
func (m *Mobile) give(why string, out *engine.Effects) {
	m.timers.Stop(again)
	m.timers.Stop(commit)
	m.become(idle, why, out)
}

// fellBack does so and says that the base strategy must do what is left.
func (m *Mobile) fellBack(why string, out *engine.Effects) {
	out.List = append(out.List, engine.Event{Name: engine.EventFellBack, Reason: why})
	m.give(why, out)
}

// number takes the next sequence number, durably.
func (m *Mobile) number(out *engine.Effects) uint16 {
	m.seq++
	out.Persist(seqBucket, m.name, binary.BigEndian.AppendUint16(nil, m.seq))
	return m.seq
}

// lent is a forwarding that an access router was asked for.
type lent struct {
	coa    netip.Addr
	router netip.Addr
	port   plane.Port
	until  engine.Mono
}

// leases are the forwardings that may stand, the oldest first.
type leases []lent
