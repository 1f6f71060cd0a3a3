package driver

import (
	"context"
	"crypto/tls"
	"io"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// Config describes one node. All its sockets are opened in the network namespace of the thread that calls New, whatever
// thread Run is called on.
type Config struct {
	Name    string
	Engines []Engine // in the order in which they are offered each input
	Links   []Link
	// Tun is the name of the TUN device, the plane's Kernel port. It is made when the plane first wants a Host
	// or a Capture, or something is sent to the Kernel port.
	Tun string
	// Host is the machine under the node; nil is this one. Tests give a Memory.
	Host Host
	// Refuse are prefixes that the plane refuses as long as it has no path for them. The kernel hands over what it has no better route for.
	Refuse []netip.Prefix
	// Plane says who forwards users' packets. The zero value is PlaneSoft.
	Plane Plane
	// Userland says so of every link; see Link.
	Userland bool
	Store    Store     // durable records; nil keeps none
	Journal  io.Writer // JSON lines of engine.Entry; nil for none
	// JournalSync writes every entry through at once; otherwise they are written once a second, at Close and before a panic.
	JournalSync bool
	// JournalHeader is written as the journal's first line; nil for none.
	JournalHeader *JournalHeader
	// TLS are the profiles that engines name in Listen and Dial: our certificate, and whom we trust as clients (ClientCAs) and as
	// servers (RootCAs). Both ends of every connection show a certificate, and verify the other's, in TLS 1.2 or later (RFC 6733 §13).
	TLS map[string]*tls.Config
	// Query reads a key of a table, or writes it if put is not nil; nil: there are no tables. It is called on several goroutines, and
	// returns soon when its context ends. A QueryError is the engine's answer; any other error is told as an event.
	Query func(ctx context.Context, table, key string, put []byte) ([]byte, error)
	Epoch time.Time // zero of engine.Mono and of the times below; the zero value means now

	// The callbacks are called on the loop: they must be quick and must not call the node.
	OnEvent func(at time.Duration, engine string, ev engine.Event)
	OnDrop  func(reason string, n int)
	// OnAttach is told that an engine is ready for another point of attachment: the link may switch now. nil: nobody commands the
	// links, and an event says so.
	OnAttach func(engine.Attach)
}

// Engine is an engine and the name of its role, unique on its node.
type Engine struct {
	Name   string
	Engine engine.Engine
}

// Link is one network interface, and the port the plane knows it by.
type Link struct {
	Port   plane.Port // 1 or more
	Ifname string
	// External says that the link's state is injected (the lab's radio, a wpa_cli hook) instead of watched.
	External bool
	// Userland says that the link is the node's alone: the kernel's IPv6 is switched off on it while the node lives, and put back
	// by Close or, after a kill, by the next life (Store remembers). Elsewhere the kernel shares the link, as on a router, and must make no
	// address that an engine makes too.
	Userland bool
}

// Store keeps what engines persist. Buckets are prefixed with the engine's name and a slash.
type Store interface {
	Load() ([]engine.Record, error)
	// Put returns when the record is durable; a nil value deletes it.
	Put(bucket, key string, value []byte) error
}

// Stats is what a node has counted since its start.
type Stats struct {
	Inputs  uint64         `json:"inputs"`  // inputs handed to engines
	Effects uint64         `json:"effects"` // effects carried out
	Packets uint64         `json:"packets"` // packets given to the plane
	Drops   map[string]int `json:"drops"`   // by reason: engines', plane's and the driver's own
	// Late is the largest delay of a Tick behind its deadline.
	Late    time.Duration  `json:"late_ns"`
	Plane   plane.Counters `json:"plane"` // with what the kernel counted for meters, of which the first plane.MaxMetersTold
	MLD     MLDStats       `json:"mld"`
	Streams StreamStats    `json:"streams,omitzero"` // connections of engines, and their queries
	// Datagrams of engines, by UDP.
	Datagrams DatagramStats `json:"datagrams,omitzero"`
	Fast      *FastStats    `json:"fast,omitempty"` // absent where Config.Plane asks for none
	Waiting   []Waiting     `json:"waiting"`        // one an engine
	Now       engine.Mono   `json:"now_mono"`       // what times in views count from the node's start by
}

// Waiting says what an engine's next deadline is for. In is 0 with an empty For when it waits for nothing.
type Waiting struct {
	Engine string        `json:"engine"`
	For    string        `json:"for"`
	In     time.Duration `json:"in_ns"`
}
