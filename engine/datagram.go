package engine

import (
	"encoding/json"
	"net/netip"
)

// UDP for services, as stream.go is TCP for them: a port is bound by a Bind, and every Datagram that comes or goes bears its name.
//
//	Bind ─▶ Datagram…              nothing says that a port is open: what comes says so
//	     └▶ Closed{Listener}       it could not be opened, or has ended; the name is free again
//	Datagram ─▶ the network, or nowhere
//
// UDP promises nothing, and neither does this: a datagram may be lost, come twice, late, or be a lie, of its sender's address too.
// What cannot be sent is counted by a world and not told; who needs an answer asks again, and gives up after a time. An engine that
// answers strangers bounds how much it answers to how little: nobody below does.

// MaxDatagram is the most octets that a datagram may have: IPv4 carries no more. One that is larger than a link's MTU travels in
// fragments, which many networks drop and the simulator does not have; what fits 1,232 octets passes everywhere.
const MaxDatagram = 65507

// Bind opens a UDP port, only such as the configuration names. Name comes back in each Datagram; a Bind that fails or ends is told by
// Closed with it as the Listener. Names are shared with Listen: one that is in use there too is refused for ReasonNameInUse.
//
// Without an address in At the port is open at all addresses of the host, IPv4 and IPv6; [::] is all of IPv6 alone and 0.0.0.0 all of
// IPv4. Port 0 leaves the choice to the host.
type Bind struct {
	Name string
	At   netip.AddrPort
}

// Datagram is one whole datagram. As an input it came by the Bind of that name: from Peer, to Local. As an effect it goes to Peer, from
// the port of that Bind and from the address Local, so that an answer leaves from where the question came to; an invalid
// Local leaves the choice to the host. Addresses are IPv4 or IPv6, never one in the form of the other; a link-local one
// has the number of its interface as its zone.
//
// As an input, Data is the engine's while it handles it, to be changed in place if it likes; as an effect it is the engine's
// again with its next input, and may be part of what came. A Datagram by a name that is not bound is ignored: its Closed may be on the way.
type Datagram struct {
	Name  string         `json:"name"`
	Peer  netip.AddrPort `json:"peer"`
	Local netip.Addr     `json:"local,omitzero"`
	Data  []byte         `json:"data"`
}

// bindJSON is Bind in a journal: an AddrPort without an address would lose its port.
type bindJSON struct {
	Name string     `json:"name"`
	Addr netip.Addr `json:"addr,omitzero"`
	Port uint16     `json:"port"`
}

// MarshalJSON writes address and port each by itself.
func (b Bind) MarshalJSON() ([]byte, error) {
	return json.Marshal(bindJSON{b.Name, b.At.Addr(), b.At.Port()})
}

// UnmarshalJSON reads what MarshalJSON wrote and refuses anything else.
func (b *Bind) UnmarshalJSON(text []byte) error {
	v, err := decode[bindJSON](text)
	*b = Bind{v.Name, netip.AddrPortFrom(v.Addr, v.Port)}
	return err
}

func (Bind) effect()     {}
func (Datagram) effect() {}
func (Datagram) input()  {}

// Bind appends a Bind.
func (e *Effects) Bind(b Bind) { e.List = append(e.List, b) }

// Datagram appends a Datagram.
func (e *Effects) Datagram(d Datagram) { e.List = append(e.List, d) }
