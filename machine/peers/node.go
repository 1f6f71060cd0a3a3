package peers

import (
	"roam6/engine"
	"roam6/wire/diameter"
)

// Node is a Diameter node.
type Node struct {
	cfg     Config
	rand    *engine.Rand
	builder diameter.Builder
}

// New makes a node. Its error says what in the configuration cannot be.
func New(cfg Config, rand *engine.Rand) (*Node, error) { return &Node{cfg: cfg, rand: rand}, nil }

// Start listens and dials.
func (n *Node) Start(now engine.Now, out *engine.Effects) {}

// Handle takes an input: Opened, Stream, Closed and Tick; others are nothing to it. It is called once an input, before the other methods.
func (n *Node) Handle(now engine.Now, in engine.Input, out *engine.Effects) []Fact { return nil }

// Deadline is when Handle wants a Tick.
func (n *Node) Deadline() (engine.Mono, string) { return engine.Never, "" }

// NewSessionID makes a Session-Id, RFC 6733 §8.8.
func (n *Node) NewSessionID() string { return "" }

// Builder is for messages that the owner gives to this node, which copies them.
func (n *Node) Builder() *diameter.Builder { return &n.builder }

// Origin adds Origin-Host and Origin-Realm of this node.
func (n *Node) Origin(b *diameter.Builder) *diameter.Builder {
	return b.Text(diameter.OriginHost, n.cfg.Host).Text(diameter.OriginRealm, n.cfg.Realm)
}

// Request sends an own request by its Destination-Host and Destination-Realm; its identifiers are set here. If it says true, exactly one
// Answered or Unable with ctx follows within MaxAge, never in the same input; if false, nothing: there is no peer to send it to, or too much waits.
func (n *Node) Request(now engine.Now, out *engine.Effects, raw []byte, ctx uint64) bool {
	return false
}

// Message is a request that arrived and is not answered yet.
func (n *Node) Message(h Handle) (diameter.Message, bool) { return diameter.Message{}, false }

// Answer answers what Arrived. raw is as Builder.Reply begins it. A handle that is not known any more is ignored.
func (n *Node) Answer(now engine.Now, out *engine.Effects, h Handle, raw []byte) {}

// Forward sends on a request that Arrived with Proxy, perhaps edited. Passed follows, also where the peer cannot be reached: then with an
// answer of this node's own.
func (n *Node) Forward(now engine.Now, out *engine.Effects, h Handle, raw []byte) {}

// Return gives back an answer that Passed, perhaps edited.
func (n *Node) Return(now engine.Now, out *engine.Effects, h Handle, raw []byte) {}

// Open says whether requests can go to a peer.
func (n *Node) Open(host string) bool { return false }

// View is a plain copy of what the node knows.
func (n *Node) View() any { return nil }
