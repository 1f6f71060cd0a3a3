package sim

// Drop reasons of the world. Those of the planes come from plane.Soft.
const (
	dropLinkDown  = "link-down"     // the sender or receiver left the segment while the frame was under way
	dropNoStation = "no-station"    // no member has the frame's destination address
	dropQueueFull = "queue-full"    // LinkModel.Queue exceeded
	dropLoss      = "loss"          // LinkModel.Loss
	dropTooBig    = "too-big"       // larger than the interface's MTU
	dropMalformed = "malformed"     // not an IPv6 packet
	dropNodeDown  = "node-down"     // its engines have crashed
	dropNoRoute   = "no-route"      // no route, or the node does not forward
	dropNoNeigh   = "no-neighbor"   // the next hop did not answer
	dropNeighFull = "neighbor-full" // too many packets wait for the next hop
	dropHopLimit  = "hop-limit"     // it reached zero
	dropScope     = "beyond-scope"  // link-local addresses are not forwarded
	dropNoNextHop = "no-next-hop"   // an engine or plane named no link-layer address
	dropNoHost    = "no-host-addr"  // the application's address is not configured (yet)
	dropChecksum  = "bad-checksum"  // the checksum of UDP or TCP is wrong
	dropNoSocket  = "no-socket"     // nobody listens

	// The driver's words.
	dropStreams    = "streams-full"        // a listener has MaxAccepted connections
	dropBacklog    = "syn-backlog-full"    // of which it has none: it does not see SYNs
	dropHandshakes = "tls-handshakes-full" // a listener has MaxHandshakes under way
	dropNoWay      = "datagram-no-way"     // no route to the peer of a datagram, or its own address is not the node's
	dropNotUnicast = "datagram-not-unicast"
)
