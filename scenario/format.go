package scenario

import (
	"net/netip"
	"time"
)

// Scenario is a scenario file: what the world is, who moves when, what traffic flows, what is expected. See
// docs/scenario.md. Make one with Load or Read; the zero Scenario is not one.
type Scenario struct {
	Name     string        `yaml:"name,required" doc:"one word, as given on the command line"`
	Title    string        `yaml:"title,required" doc:"one line that says what happens"`
	Shows    string        `yaml:"shows" doc:"what a reader learns from a run"`
	Strategy string        `yaml:"strategy" doc:"the handover strategy where none is chosen (default mipv6)" allowed:"mipv6|fmipv6|fast"`
	Length   time.Duration `yaml:"length" doc:"from the first to the last moment of the run; needed unless there is a walk, which makes a run as long as it needs"`
	Topology string        `yaml:"topology" doc:"two-operators: the built-in world; explicit: the keys segments and nodes describe it" allowed:"two-operators|explicit"`
	Delays   Delays        `yaml:"delays" doc:"one-way delays of the wires of two-operators"`
	Radio    Radio         `yaml:"radio" doc:"the radio cells of two-operators, the home link among them"`
	Wires    Impairment    `yaml:"wires" doc:"what the wires of two-operators do besides their delay"`
	Router   Router        `yaml:"router" doc:"router advertisements of the access routers and the home agent"`
	Home     Home          `yaml:"home" doc:"the home agent"`
	Mobile   Mobile        `yaml:"mn" doc:"the mobile node; the replicas of --nodes are like it"`
	Moves    []Move        `yaml:"moves" doc:"what the mobile node does, in order of time"`
	Walk     Walk          `yaml:"walk" doc:"instead of moves: many in a row"`
	Flows    []FlowSpec    `yaml:"flows" doc:"traffic between the mobile node and the correspondent node"`
	Actions  []Fault       `yaml:"actions" doc:"what else happens to the world"`
	Segments []SegmentSpec `yaml:"segments" doc:"topology explicit: the links; otherwise links added to the built-in world"`
	Nodes    []NodeSpec    `yaml:"nodes" doc:"topology explicit: the nodes; otherwise nodes added to the built-in world"`
	Expect   Expect        `yaml:"expect" doc:"what a run must show; otherwise the command ends with status 1"`

	file string
	text []byte
}

// Defaults are the figures of DESIGN part 3.
func (s *Scenario) Defaults() {
	s.Topology, s.Strategy = TwoOperators, "mipv6"
	s.Delays = Delays{Operator: 2 * time.Millisecond, Core: 10 * time.Millisecond, Home: 30 * time.Millisecond, CN: 10 * time.Millisecond, Air: time.Millisecond}
	s.Radio.Blackout = 20 * time.Millisecond
	s.Router = Router{IntervalMin: 30 * time.Millisecond, IntervalMax: 70 * time.Millisecond, Lifetime: 30 * time.Minute, RADelayMax: 500 * time.Millisecond}
	s.Home.MaxLifetime = 10 * time.Minute
	s.Walk = Walk{First: 7 * time.Second, Every: 2 * time.Second}
	s.Mobile = Mobile{Start: "ar1", DAD: "standard", Lifetime: 7 * time.Minute, Routes: "never", AAA: "off", Kerberos: "off", Tickets: "best", HomeAgent: "configured", Multihoming: "off", Register: "explicit", Stagger: defaultStagger}
}

// defaultStagger is mn.stagger where the file does not say.
const defaultStagger = 3 * time.Second

// Delays are one-way delays.
type Delays struct {
	Operator time.Duration `yaml:"operator" doc:"inside an operator: access router to operator router (default 2ms)"`
	Core     time.Duration `yaml:"core" doc:"operator router to core (default 10ms, so 20ms between operators)"`
	Home     time.Duration `yaml:"home" doc:"core to home agent (default 30ms, so 40ms between an operator and home)"`
	CN       time.Duration `yaml:"cn" doc:"core to correspondent node (default 10ms)"`
	Air      time.Duration `yaml:"air" doc:"over a radio cell or the home link (default 1ms)"`
}

// Impairment is what a link does to frames besides delaying them; see LinkModel.
type Impairment struct {
	Jitter    time.Duration `yaml:"jitter" doc:"added delay, uniform from 0"`
	Loss      float64       `yaml:"loss" doc:"probability 0..1 that a frame is lost"`
	Duplicate float64       `yaml:"duplicate" doc:"probability 0..1 that a frame arrives twice"`
	Reorder   float64       `yaml:"reorder" doc:"probability 0..1 that a frame is held back by reorder_by"`
	ReorderBy time.Duration `yaml:"reorder_by" doc:"how long a reordered frame is held back"`
	Rate      int64         `yaml:"rate" doc:"bits per second a member may send; 0 is unlimited"`
	Queue     int           `yaml:"queue" doc:"frames that wait for the rate; 0 is 1000"`
}

// Radio is the radio cells.
type Radio struct {
	Blackout  time.Duration `yaml:"blackout" doc:"from losing one cell to being attached to the next (default 20ms)"`
	Jitter    time.Duration `yaml:"jitter" doc:"added delay, uniform from 0"`
	Loss      float64       `yaml:"loss" doc:"probability 0..1 that a frame is lost"`
	Duplicate float64       `yaml:"duplicate" doc:"probability 0..1 that a frame arrives twice"`
	Reorder   float64       `yaml:"reorder" doc:"probability 0..1 that a frame is held back by reorder_by"`
	ReorderBy time.Duration `yaml:"reorder_by" doc:"how long a reordered frame is held back"`
	Rate      int64         `yaml:"rate" doc:"bits per second a member may send; 0 is unlimited"`
	Queue     int           `yaml:"queue" doc:"frames that wait for the rate; 0 is 1000"`
}

func (r Radio) impairment() Impairment {
	return Impairment{r.Jitter, r.Loss, r.Duplicate, r.Reorder, r.ReorderBy, r.Rate, r.Queue}
}

// model adds the delay.
func (i Impairment) model(delay time.Duration) LinkModel {
	return LinkModel{Delay: delay, Jitter: i.Jitter, Loss: i.Loss, Duplicate: i.Duplicate, Reorder: i.Reorder, ReorderBy: i.ReorderBy, Rate: i.Rate, Queue: i.Queue}
}

// Router is how routers advertise themselves.
type Router struct {
	IntervalMin time.Duration `yaml:"interval_min" doc:"shortest time between unsolicited advertisements (default 30ms, RFC 6275 section 7.5)"`
	IntervalMax time.Duration `yaml:"interval_max" doc:"longest time between unsolicited advertisements (default 70ms)"`
	Lifetime    time.Duration `yaml:"lifetime" doc:"router lifetime advertised (default 30m)"`
	RADelayMax  time.Duration `yaml:"ra_delay_max" doc:"longest wait before a solicited advertisement (default 500ms, RFC 4861 section 10)"`
}

// Home is the home agent.
type Home struct {
	MaxLifetime time.Duration `yaml:"max_lifetime" doc:"longest binding lifetime granted (default 10m)"`
}

// Mobile is the mobile node.
type Mobile struct {
	Start       string        `yaml:"start" doc:"cell it is attached to at the start: home, ar1, ar2 or ar3 (default ar1)"`
	Second      string        `yaml:"second" doc:"cell a second interface, wwan0, is attached to all the time; absent: there is none"`
	DAD         string        `yaml:"dad" doc:"duplicate address detection (default standard)" allowed:"standard|optimistic"`
	Lifetime    time.Duration `yaml:"lifetime" doc:"binding lifetime asked for (default 7m)"`
	Security    string        `yaml:"security" doc:"what protects registrations: esp (RFC 4877, default), auth (RFC 4285), none; not where keys come from the home network" allowed:"esp|auth|none"`
	NAI         bool          `yaml:"nai" doc:"the mobile node names itself by a network access identifier"`
	DHAAD       bool          `yaml:"discover_home_agent" doc:"the mobile node is not told its home agent and discovers it"`
	Routes      string        `yaml:"route_optimisation" doc:"on-traffic: its packets and the correspondent's go straight instead of through the home agent; the correspondent node then runs roam6 too (default never)" allowed:"never|on-traffic"`
	Skew        time.Duration `yaml:"skew" doc:"its wall clock minus true time (simulator)"`
	AAA         string        `yaml:"aaa" doc:"on: the access routers let in whom an AAA server of its home network vouches for (default off)" allowed:"off|on"`
	Kerberos    string        `yaml:"kerberos" doc:"on: the home network and both operators have a KDC, and the mobile node has tickets ready before it moves (default off)" allowed:"off|on"`
	Tickets     string        `yaml:"tickets" doc:"strategy fast: which tickets are used at access routers: best, the shared key's first; local, so that the local KDC is asked; home, so that it asks the home network's (default best)" allowed:"best|local|home"`
	HomeAgent   string        `yaml:"home_agent" doc:"with aaa: configured, or given by the home network with the home address: home, or visited, one of the network it is in when it starts in operator B (default configured)" allowed:"configured|home|visited"`
	Keys        string        `yaml:"keys" doc:"with aaa: what protects registrations: configured as security says, or from the home network, random or by Diffie-Hellman (default configured, with another home_agent random)" allowed:"configured|random|dh"`
	Multihoming string        `yaml:"multihoming" doc:"with second: whether both interfaces are bound at once (RFC 5648): register, or bicast with copies by both (default off)" allowed:"off|register|bicast"`
	Hosts       int           `yaml:"hosts" doc:"hosts inside, 0 to 16: with any the mobile node is a mobile router (RFC 3963) and a network moves along (default 0)"`
	Register    string        `yaml:"register_networks" doc:"with hosts: whether registrations name the network or leave it to the home agent (default explicit)" allowed:"explicit|implicit"`
	Stagger     time.Duration `yaml:"stagger" doc:"replicas begin and move later than the first by 0 to this (default 3s; with aaa and more than 768 mobile nodes, a second for 256 of them, and the run is longer by that)"`
}

// Move is one thing a mobile node does. Exactly one of To, Lose and Regain is the point; Regain needs To.
type Move struct {
	At       time.Duration  `yaml:"at,required" doc:"when"`
	To       string         `yaml:"to" doc:"cell it changes to"`
	Lose     string         `yaml:"lose" doc:"interface that loses its cell without warning and without a new one"`
	Regain   string         `yaml:"regain" doc:"interface that is attached again, to the cell named by to"`
	Node     string         `yaml:"node" doc:"which node (default mn)"`
	Iface    string         `yaml:"iface" doc:"which interface changes cells (default wlan0)"`
	Blackout *time.Duration `yaml:"blackout" doc:"instead of radio.blackout"`
	Notice   time.Duration  `yaml:"notice" doc:"how long before it the link layer says where it will go (default 0s: not at all); a strategy that is ready earlier makes the move happen then"`
	Hint     string         `yaml:"hint" doc:"with notice: the cell that the link layer names, rightly or wrongly (default: to)"`
}

// FlowSpec is one stream of UDP packets.
type FlowSpec struct {
	Name       string        `yaml:"name,required" doc:"one word"`
	Interval   time.Duration `yaml:"interval,required" doc:"time between packets, each direction"`
	Size       int           `yaml:"size" doc:"octets of UDP payload (default 64)"`
	Start      time.Duration `yaml:"start" doc:"first packet"`
	Stop       time.Duration `yaml:"stop" doc:"last packet; absent: half a second before the end"`
	Voice      bool          `yaml:"voice" doc:"rated by the E-model (ITU-T G.107)"`
	Probe      bool          `yaml:"probe" doc:"handovers are measured on this flow; at most one a mobile node, and without one nothing of its packets is measured"`
	Host       int           `yaml:"host" doc:"the mobile end is this host inside, from 1 to mn.hosts; absent: the mobile node itself"`
	Mobile     string        `yaml:"mobile" doc:"topology explicit: the mobile end (default mn)"`
	Peer       string        `yaml:"peer" doc:"topology explicit: the other end (default cn)"`
	MobileAddr netip.Addr    `yaml:"mobile_addr" doc:"topology explicit: the mobile end's address"`
	PeerAddr   netip.Addr    `yaml:"peer_addr" doc:"topology explicit: the other end's address"`
}

// Fault is one thing that happens to the world. Exactly one of Crash, Restart, Degrade, Command and Mark is set.
type Fault struct {
	At      time.Duration `yaml:"at,required" doc:"when"`
	Crash   string        `yaml:"crash" doc:"node whose engines vanish with all they had not persisted"`
	Restart string        `yaml:"restart" doc:"node whose engines start again"`
	Degrade string        `yaml:"degrade" doc:"segment whose link becomes what link says"`
	Link    *Link         `yaml:"link" doc:"with degrade: the link from then on"`
	Command *CommandSpec  `yaml:"command" doc:"order given to a node's engines"`
	Mark    string        `yaml:"mark" doc:"note written into the progress"`
}

// CommandSpec is an order to a node's engines.
type CommandSpec struct {
	Node string            `yaml:"node,required" doc:"the node"`
	Verb string            `yaml:"verb,required" doc:"the order"`
	Args map[string]string `yaml:"args" doc:"its details"`
}

// Link is LinkModel as the file writes it.
type Link struct {
	Delay     time.Duration `yaml:"delay" doc:"one way"`
	Jitter    time.Duration `yaml:"jitter" doc:"added delay, uniform from 0"`
	Loss      float64       `yaml:"loss" doc:"probability 0..1 that a frame is lost"`
	Duplicate float64       `yaml:"duplicate" doc:"probability 0..1 that a frame arrives twice"`
	Reorder   float64       `yaml:"reorder" doc:"probability 0..1 that a frame is held back by reorder_by"`
	ReorderBy time.Duration `yaml:"reorder_by" doc:"how long a reordered frame is held back"`
	Rate      int64         `yaml:"rate" doc:"bits per second a member may send; 0 is unlimited"`
	Queue     int           `yaml:"queue" doc:"frames that wait for the rate; 0 is 1000"`
}

func (l Link) model() LinkModel { return LinkModel(l) }

// SegmentSpec is one link of an explicit topology.
type SegmentSpec struct {
	Name string `yaml:"name,required" doc:"one word"`
	Air  bool   `yaml:"air" doc:"a radio cell: what crosses it is counted"`
	Link Link   `yaml:"link" doc:"what happens to frames on it"`
}

// NodeSpec is one node of an explicit topology.
type NodeSpec struct {
	Name     string        `yaml:"name,required" doc:"one word"`
	Userland bool          `yaml:"userland" doc:"the kernel holds no address; the engines own them (mobile nodes)"`
	Forward  bool          `yaml:"forward" doc:"the kernel forwards between its interfaces"`
	Measured bool          `yaml:"measured" doc:"a mobile node whose handovers are measured with traffic"`
	Skew     time.Duration `yaml:"skew" doc:"wall clock minus true time (simulator)"`
	Ifaces   []IfaceSpec   `yaml:"ifaces" doc:"its interfaces"`
	Routes   []RouteSpec   `yaml:"routes" doc:"static routes of its kernel"`
	Config   string        `yaml:"config" doc:"its roam6 configuration, as roam6 node run takes it; absent: a plain kernel node"`
}

// IfaceSpec is one interface of an explicit node.
type IfaceSpec struct {
	Name    string         `yaml:"name,required" doc:"one word of at most 15 characters"`
	Port    int            `yaml:"port" doc:"number its engines know it by, from 1; 0: not theirs"`
	Segment string         `yaml:"segment" doc:"segment it is attached to at the start; absent: none"`
	Addrs   []netip.Prefix `yaml:"addrs" doc:"addresses of its kernel, with prefix length"`
	MTU     int            `yaml:"mtu" doc:"octets; 0 is 1500"`
}

// RouteSpec is one static route.
type RouteSpec struct {
	Dst   netip.Prefix `yaml:"dst,required" doc:"destination prefix"`
	Via   netip.Addr   `yaml:"via" doc:"next hop; absent: on link"`
	Iface string       `yaml:"iface,required" doc:"interface it leaves by"`
}

// Expect is what a run must show. Absent keys expect nothing.
type Expect struct {
	Handovers       *int           `yaml:"handovers" doc:"number of handovers of each mobile node"`
	Outcome         string         `yaml:"outcome" doc:"every handover ends so" allowed:"registered|fell-back"`
	Failed          *int           `yaml:"failed" doc:"handovers that fail at most"`
	MaxInterruption *time.Duration `yaml:"max_interruption" doc:"longest interruption of any handover, either direction"`
	MaxOverhead     *time.Duration `yaml:"max_l3_overhead" doc:"longest interruption less the blackout"`
	MaxLost         *int           `yaml:"max_lost" doc:"probe packets lost at most in any handover, either direction"`
	MinAccounted    *float64       `yaml:"min_accounted" doc:"part 0..1 of every interruption that the timeline explains at least"`
}
