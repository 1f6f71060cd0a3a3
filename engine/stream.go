package engine

import (
	"encoding/json"
	"net/netip"
)

// The life of a connection. What an engine is told of one Conn is always Opened, any number of Stream, one Closed; or for a
// Dial that failed, Closed alone. Nothing comes after Closed, which answers an engine's own Close too.
//
//	Listen ─▶ Opened{Listener}          Dial ─▶ Opened or Closed
//	          Stream… Closed                    Stream… Closed

// Conn names a connection among those of one engine, and is never used again in its life. The engine chooses it when it dials,
// odd; the world when it accepts, even; so neither has to ask the other. 0 is none.
type Conn uint64

// Dialled says whether the engine chose the name.
func (c Conn) Dialled() bool { return c&1 == 1 }

// MaxUnsent is the number of octets that may wait on one connection for a peer to read; a Write beyond it closes the connection for
// ReasonPeerDoesNotRead. At 1 MiB it is a thousand messages of Diameter, some milliseconds of a relay that is busy, beside
// what the kernels of both ends hold; a world limits how many connections there are.
const MaxUnsent = 1 << 20

// Listen accepts connections at an address and a TCP port, only such as the configuration names. Name comes back in Opened; a
// Listen that fails or ends is told by Closed with it. TLS names a profile of the node's configuration; empty is plain TCP. A
// second Listen of the same name is refused for ReasonNameInUse. Without an address in At the port is open at all addresses, as that of a Bind.
type Listen struct {
	Name string         `json:"name"`
	At   netip.AddrPort `json:"at"`
	TLS  string         `json:"tls,omitempty"`
}

// listenJSON is Listen in a journal. An AddrPort without an address would lose its port.
type listenJSON struct {
	Name string         `json:"name"`
	At   netip.AddrPort `json:"at"`
	Port uint16         `json:"port,omitempty"` // without an address
	TLS  string         `json:"tls,omitempty"`
}

// MarshalJSON writes the port too where there is no address.
func (l Listen) MarshalJSON() ([]byte, error) {
	v := listenJSON{Name: l.Name, At: l.At, TLS: l.TLS}
	if !l.At.Addr().IsValid() {
		v.Port = l.At.Port()
	}
	return json.Marshal(v)
}

// UnmarshalJSON reads what MarshalJSON wrote and refuses anything else.
func (l *Listen) UnmarshalJSON(text []byte) error {
	v, err := decode[listenJSON](text)
	*l = Listen{Name: v.Name, At: v.At, TLS: v.TLS}
	if !v.At.Addr().IsValid() {
		l.At = netip.AddrPortFrom(netip.Addr{}, v.Port)
	}
	return err
}

// Dial opens a connection. From is the source address; invalid leaves the choice to the host. Server is the name that the peer's
// certificate must bear, and is needed with TLS.
type Dial struct {
	Conn   Conn           `json:"conn"` // odd, not used before: anything else is a fault of the engine, and panics
	To     netip.AddrPort `json:"to"`
	From   netip.Addr     `json:"from,omitzero"`
	TLS    string         `json:"tls,omitempty"`
	Server string         `json:"server,omitempty"`
}

// Write sends octets, after those written before. As with Send, Data is the engine's again with its next input, and may be part of a
// Stream's. A Write to a connection that is not open is ignored: its Closed may be on the way.
type Write struct {
	Conn Conn   `json:"conn"`
	Data []byte `json:"data"`
}

// Close ends a connection when what was written before it has left, or a bounded time later. Closed follows, with
// ReasonClosed if all has left, and nothing before it: what the peer still sends is thrown away.
type Close struct {
	Conn Conn `json:"conn"`
}

// Opened says that octets can flow. Listener is the Name of the Listen that accepted it; empty when the engine dialled. From is
// this end, To the peer's. Names are what the peer proved by a certificate that was verified: the DNS names of its subject alternative
// names, of which there is one at least; none without TLS.
type Opened struct {
	Conn     Conn           `json:"conn"`
	Listener string         `json:"listener,omitempty"`
	From     netip.AddrPort `json:"from"`
	To       netip.AddrPort `json:"to"`
	Names    []string       `json:"names,omitempty"`
}

// Stream is octets that came, behind those of the Stream before; where a message ends is the engine's to find. Data is the
// engine's while it handles this: it may change octets in place, as an agent does that sends a message on; and one that waits for
// the rest copies what it has.
type Stream struct {
	Conn Conn   `json:"conn"`
	Data []byte `json:"data"`
}

// Closed ends a connection, or with a Listener and no Conn a Listen. Reason is one of the Reason… words or a world's own: short,
// fixed, joined by hyphens.
type Closed struct {
	Conn     Conn   `json:"conn,omitempty"`
	Listener string `json:"listener,omitempty"`
	Reason   string `json:"reason"`
}

// Reasons of Closed.
const (
	ReasonClosed          = "closed"             // as Close asked, and all that was written has left
	ReasonNotDrained      = "not-drained"        // as Close asked, but not all of it left in time
	ReasonPeerClosed      = "peer-closed"        // the peer has nothing more to send
	ReasonReset           = "reset"              // the peer or the network broke it
	ReasonSilent          = "silent"             // the peer's host answers nothing any more
	ReasonPeerDoesNotRead = "peer-does-not-read" // MaxUnsent waited for the peer
	ReasonRefused         = "refused"            // nobody listens there
	ReasonUnreachable     = "unreachable"        // no way to the peer
	ReasonTimeout         = "timeout"            // Dial: no answer in time
	ReasonNameInUse       = "name-in-use"        // Listen: there is one of this name
	ReasonAddressInUse    = "address-in-use"     // Listen or Dial: another socket has address and port
	ReasonNoAddress       = "no-such-address"    // Listen or Dial: this host does not have the address
	ReasonNoPermission    = "no-permission"      // Listen or Dial: this user or this host's rules forbid it
	ReasonNoProfile       = "no-such-tls-profile"
	ReasonTLS             = "tls-failed"      // the handshake failed
	ReasonTLSTimeout      = "tls-timeout"     // the handshake took too long
	ReasonTLSName         = "tls-wrong-name"  // the certificate is another's
	ReasonTLSUnknownCA    = "tls-unknown-ca"  // nobody whom we trust signed the certificate
	ReasonTLSExpired      = "tls-expired"     // the certificate is not valid now
	ReasonNoStreams       = "no-streams-here" // this world carries no streams
	ReasonTooMany         = "too-many"        // as many connections as there may be
	ReasonFailed          = "failed"          // anything else; the world tells an event with what it knows
)

// Listen appends a Listen.
func (e *Effects) Listen(l Listen) { e.List = append(e.List, l) }

// Dial appends a Dial.
func (e *Effects) Dial(d Dial) { e.List = append(e.List, d) }

// Write appends a Write.
func (e *Effects) Write(c Conn, data []byte) {
	e.List = append(e.List, Write{Conn: c, Data: data})
}

// Close appends a Close.
func (e *Effects) Close(c Conn) { e.List = append(e.List, Close{Conn: c}) }
