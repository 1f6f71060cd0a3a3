package plane

import (
	"maps"
	"net/netip"
	"slices"
)

// Reasons of drops. DropNotForUs is only counted; the others are told through the Sink as well.
const (
	DropMalformed      = "ip6-malformed"     // no IPv6 header, cut short, or an extension header that lies
	DropOption         = "ip6-option"        // an option or routing header that says: discard if not known
	DropBadAddress     = "bad-address"       // a source or destination that no packet may carry there
	DropNotForUs       = "not-for-us"        // multicast and other people's packets a port overhears
	DropUnknownAddress = "unknown-address"   // a unicast address this mobile node does not (or no longer) own
	DropTentative      = "tentative-address" // duplicate address detection still runs, RFC 4862 §5.4
	DropNoPath         = "no-path"           // no path for this mobile address
	DropPathInvalid    = "path-invalid"      // the path lacks what its mode needs
	DropNoGateway      = "no-gateway"        // the path's link has no router
	DropHopLimit       = "hop-limit"         // hop limit exhausted at the agent
	DropTooBig         = "too-big"           // larger than the path carries; its source was told
	DropEncapLoop      = "encap-loop"        // the tunnel would lead back here, RFC 2473 §4.1.2
	DropEncapLimit     = "encap-limit"       // nested too deep, RFC 2473 §4.1.1
	DropHoldFull       = "hold-full"         // the path holds as many packets as it may
	DropHoldAged       = "hold-aged"         // held for longer than its age
	DropHoldDeleted    = "hold-deleted"      // the path was deleted with packets in it
	DropTunnelUnknown  = "tunnel-unknown"    // no path has the inner packet's address
	DropTunnelWrong    = "tunnel-wrong"      // the path of the inner packet's address has another tunnel: it came late, or in another's name
	DropTunnelND       = "tunnel-nd"         // neighbour discovery out of a tunnel: it is for links
	DropNotByTunnel    = "not-by-tunnel"     // straight to the home address while a tunnel must bring it
	DropInner          = "inner-malformed"   // what the tunnel carried is no IPv6 packet
	DropECN            = "ecn-congested"     // congestion marked on a packet that cannot carry the mark, RFC 6040 §4.2
	DropFragMalformed  = "frag-malformed"    // a fragment that cannot belong to a packet
	DropFragOverlap    = "frag-overlap"      // overlapping fragments, RFC 5722
	DropFragTimeout    = "frag-timeout"      // not complete in time
	DropFragFull       = "frag-full"         // over the limits of reassembly
	DropICMPChecksum   = "icmp-checksum"     // an ICMPv6 error with a wrong checksum
	DropICMPUnknown    = "icmp-unknown"      // an ICMPv6 error about a tunnel packet that no path sent, or that does not show whose it was
	DropICMPMTU        = "icmp-mtu"          // Packet Too Big below the IPv6 minimum, RFC 8201 §4
	DropICMPIgnored    = "icmp-ignored"      // an ICMPv6 error that neither a source nor an engine can use
	DropHomeAddress    = "hao-unbound"       // a Home Address option without a binding, RFC 6275 §9.3.1; the engines get it
	DropRouting        = "routing-header"    // a type 2 routing header that is none of ours, RFC 6275 §11.3.3
	DropDuplicate      = "duplicate"         // a copy by another way of a packet that is here already
	DropGate           = "gate-closed"       // its source may not send yet
	DropPoliced        = "policed"           // beyond the rate of its flow
)

// Count is a number of packets and of their octets (inner packets, without tunnel headers).
type Count struct {
	Packets uint64 `json:"packets"`
	Octets  uint64 `json:"octets"`
}

func (c *Count) add(octets int) {
	c.Packets++
	c.Octets += uint64(octets)
}

// More adds what is counted elsewhere.
func (c *Count) More(n Count) {
	c.Packets += n.Packets
	c.Octets += n.Octets
}

// PathCount is what one path carried since it was first set, by whichever way but copies.
type PathCount struct {
	Inner    netip.Prefix `json:"inner"`
	Sent     Count        `json:"sent"`              // left
	Received Count        `json:"received"`          // came and were accepted
	Held     int          `json:"held"`              // packets waiting now
	Kept     int          `json:"kept,omitempty"`    // copies of sent packets that are kept now
	Waiting  int          `json:"waiting,omitempty"` // received packets that wait for older ones
}

// WayCount is what one further way carried: of what its path counts, and copies besides.
type WayCount struct {
	Inner    netip.Prefix `json:"inner"`
	ID       uint16       `json:"id"`
	Sent     Count        `json:"sent"`
	Copies   Count        `json:"copies"`
	Received Count        `json:"received"`
}

// RouteCount is what a mobile address and a peer said to each other straight.
type RouteCount struct {
	Mobile   netip.Addr `json:"mobile"`
	Peer     netip.Addr `json:"peer"`
	Sent     Count      `json:"sent"`
	Received Count      `json:"received"`
}

// GateCount is the number of packets a gate stopped.
type GateCount struct {
	From    netip.Prefix `json:"from"`
	Port    Port         `json:"port"`
	Stopped uint64       `json:"stopped"`
}

// MeterCount is what a meter has counted: from an address, and to it.
type MeterCount struct {
	Addr netip.Addr `json:"addr"`
	Port Port       `json:"port"`
	Up   Count      `json:"up"`
	Down Count      `json:"down"`
}

// FlowCount is what matched a flow: what passed, and what its policer dropped.
type FlowCount struct {
	Number  uint32 `json:"number"`
	Passed  Count  `json:"passed"`
	Policed Count  `json:"policed"`
}

// Counters is a plain copy of what a plane counted, for views and checkers.
type Counters struct {
	Paths []PathCount `json:"paths,omitempty"` // in the order of their prefixes
	Drops []Drop      `json:"drops,omitempty"` // in the order of their reasons, the quiet ones too
	Punts Count       `json:"punts"`

	Ways   []WayCount   `json:"ways,omitempty"` // these five in the order of their keys
	Routes []RouteCount `json:"routes,omitempty"`
	Gates  []GateCount  `json:"gates,omitempty"`
	Meters []MeterCount `json:"meters,omitempty"` // MaxMetersTold of them
	Flows  []FlowCount  `json:"flows,omitempty"`

	Refused int `json:"refused,omitempty"` // Ops not carried out
	// MarksSent and MarksReceived are the end markers of ways; nothing else counts them.
	MarksSent     int `json:"marks_sent,omitempty"`
	MarksReceived int `json:"marks_received,omitempty"`
	// ErrorsSent and ErrorsLimited are the ICMPv6 errors sent and those the rate limit kept back, RFC 4443 §2.4 (f).
	ErrorsSent    int `json:"errors_sent"`
	ErrorsLimited int `json:"errors_limited"`
}

// tally is where Soft counts.
type tally struct {
	drops         map[string]int
	errors, muted int // ICMPv6 errors sent, and kept back
	refused       int

	marksSent, marksReceived int
}

// Counters copies the counters. Those of a deleted entry are gone.
func (s *Soft) Counters() Counters {
	c := Counters{Punts: s.punts, ErrorsSent: s.count.errors, ErrorsLimited: s.count.muted, Refused: s.count.refused,
		MarksSent: s.count.marksSent, MarksReceived: s.count.marksReceived}
	for _, p := range s.paths.prefixes() {
		r := s.paths.of(p)
		kept := r.held.sentBefore()
		c.Paths = append(c.Paths, PathCount{p, r.sent, r.received, r.held.n - kept, kept, r.waiting()})
	}
	s.eachWay(func(p netip.Prefix, w *way) {
		c.Ways = append(c.Ways, WayCount{p, w.id, w.sent, w.copies, w.received})
	})
	for _, k := range slices.SortedFunc(maps.Keys(s.table.Gates), compareGate) {
		c.Gates = append(c.Gates, GateCount{k.From, k.Port, s.gates.get(k).dropped})
	}
	c.Routes, c.Meters, c.Flows = s.pairs.counts(), s.meterCounts(), s.flows.counts()
	for _, reason := range slices.Sorted(maps.Keys(s.count.drops)) {
		c.Drops = append(c.Drops, Drop{reason, s.count.drops[reason]})
	}
	return c
}

// drop counts a lost packet and tells of it; that of a copy is no loss.
func (s *Soft) drop(sink *Sink, reason string) {
	if s.quiet {
		return
	}
	s.count.drop(reason)
	if n := len(sink.Drops); n > 0 && sink.Drops[n-1].Reason == reason {
		sink.Drops[n-1].N++
		return
	}
	sink.Drops = append(sink.Drops, Drop{reason, 1})
}

// overheard counts a packet that was never for this node: no loss to anyone.
func (s *Soft) overheard() { s.count.drop(DropNotForUs) }

func (t *tally) drop(reason string) { put(&t.drops, false, reason, t.drops[reason]+1) }
