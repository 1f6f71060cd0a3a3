package scenario

import (
	"time"

	"roam6/engine"
)

// Limits of a Measure.
const (
	// FlowPackets is the number of packets of one flow and direction that are followed: an hour at 1,000 a second. Later
	// ones count as the drop "measure-full".
	FlowPackets = 3_600_000
	// MobileEvents is the number of events of one mobile node that are kept; a node that tells more is broken.
	MobileEvents = 100_000
)

// Measure is the Recorder that makes the Result of a run.
type Measure struct {
	plan    *Plan
	world   string
	plane   string
	did     []time.Duration // when action i was carried out; notDone before
	flows   []tracks
	mobiles map[string]*mobile
	drops   map[string]int
	stood   []Standstill
}

const notDone = time.Duration(-1)

// tracks are the two directions of a flow.
type tracks struct{ down, up track }

// track follows the packets of one direction of one flow.
type track struct {
	sent     []time.Duration // by sequence number; notDone: not sent
	arrivals []arrival       // in order of arrival, copies too
	known    *tally
}

type arrival struct {
	at  time.Duration
	seq uint32
}

// mobile gathers what concerns the handovers of one node.
type mobile struct {
	events []told
	frames []frame
	probe  int      // index of its probe flow; -1
	ifaces []string // in the order of the plan
}

// told is an event of a mobile node, of the few kinds a result is made of.
type told struct {
	at     time.Duration
	name   string
	step   string
	reason string
}

// frame is a control packet on the air.
type frame struct {
	at     time.Duration
	octets int
}

// Events that later strategies tell and the result reads.
const (
	EventAuthenticated = "authenticated" // the mobile node and the new network know each other
	EventQoSRestored   = "qos-restored"  // the flow's quality of service is in place on the new path
)

// StateBound is what every strategy calls the state of a node that is reachable. One that comes back to the router it left is there
// again without a word to its home agent, and so without having registered.
const StateBound = "bound"

// NewMeasure makes the recorder of one run. World is "sim" or "lab", planeName "soft" or "ebpf".
func NewMeasure(plan *Plan, world, planeName string) *Measure {
	m := &Measure{
		plan: plan, world: world, plane: planeName, did: make([]time.Duration, len(plan.Actions)),
		flows: make([]tracks, len(plan.Flows)), mobiles: map[string]*mobile{}, drops: map[string]int{},
	}
	for i := range m.did {
		m.did[i] = notDone
	}
	for _, a := range plan.Actions {
		if a.Handover >= 0 && m.mobiles[a.Node] == nil {
			m.mobiles[a.Node] = &mobile{probe: -1}
		}
	}
	for _, n := range plan.Nodes {
		if x := m.mobiles[n.Name]; x != nil {
			for _, f := range n.Ifaces {
				x.ifaces = append(x.ifaces, f.Name)
			}
		}
	}
	for i, f := range plan.Flows {
		if x := m.mobiles[or(f.Behind, f.Mobile)]; x != nil && f.Probe {
			x.probe = i
		}
	}
	return m
}

var _ Recorder = (*Measure)(nil)

// Event keeps what a handover is explained by.
func (m *Measure) Event(at time.Duration, node, _ string, ev engine.Event) {
	x := m.mobiles[node]
	if x == nil {
		return
	}
	t := told{at: at, name: ev.Name, reason: ev.Reason}
	switch ev.Name {
	case engine.EventStep:
		t.step = ev.Get("step")
	case engine.EventState:
		if ev.Get("to") != StateBound {
			return
		}
	case engine.EventHomeRoundTrip, engine.EventRegistered, engine.EventFellBack, engine.EventFailed, EventAuthenticated, EventQoSRestored:
		t.reason = or(t.reason, ev.Get("reason"))
	default:
		return
	}
	if len(x.events) >= MobileEvents {
		m.drops["measure-full"]++
		return
	}
	x.events = append(x.events, t)
}

// Did notes when an action happened.
func (m *Measure) Did(at time.Duration, i int) { m.did[i] = at }

// Sent notes a packet of a flow.
func (m *Measure) Sent(at time.Duration, flow int, down bool, seq uint32) {
	t := m.track(flow, down)
	if seq >= FlowPackets {
		m.drops["measure-full"]++
		return
	}
	for int(seq) >= len(t.sent) {
		t.sent = append(t.sent, notDone)
	}
	t.sent[seq] = at
}

// Received notes the arrival of a packet or of a copy of it. Of those never sent nothing is noted.
func (m *Measure) Received(at time.Duration, flow int, down bool, seq uint32) {
	t := m.track(flow, down)
	if int(seq) >= len(t.sent) || t.sent[seq] == notDone {
		return
	}
	if len(t.arrivals) >= 2*FlowPackets {
		m.drops["measure-full"]++
		return
	}
	t.arrivals = append(t.arrivals, arrival{at, seq})
}

func (m *Measure) track(flow int, down bool) *track {
	if down {
		return &m.flows[flow].down
	}
	return &m.flows[flow].up
}

// Frame counts signalling on the air. Multicasts toward all (periodic router advertisements) belong to no mobile node.
func (m *Measure) Frame(at time.Duration, _, node string, _ bool, packet []byte) {
	x := m.mobiles[node]
	if x == nil || !isControl(packet) {
		return
	}
	if len(x.frames) >= MobileEvents {
		m.drops["measure-full"]++
		return
	}
	x.frames = append(x.frames, frame{at, len(packet)})
}

// Dropped counts.
func (m *Measure) Dropped(reason string, n int) { m.drops[reason] += n }
