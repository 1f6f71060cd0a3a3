package tickets

import (
	"net/netip"
	"time"

	"roam6/wire/krb5"
)

// ID names an exchange.
type ID uint32

// Way is how octets go to a KDC.
type Way uint8

// The ways. Datagram is also Direct: the choice between the first two is the client's.
const (
	Datagram Way = iota // UDP
	Stream              // TCP
	Proxy               // IAKERB, the access router being the proxy

	Direct = Datagram
)

// String is the name of the way.
func (w Way) String() string {
	switch w {
	case Stream:
		return "stream"
	case Proxy:
		return "proxy"
	}
	return "datagram"
}

// Fact is what a Client found out or wants done: Send, Over, Granted, Failed or Ended.
type Fact interface{ fact() }

// Send wants octets taken to a KDC. By a stream it is a new one, in place of that which the exchange had; Data has its length in front then. By Proxy
// it is a token for the access router, and KDC is invalid.
type Send struct {
	Exchange ID
	Way      Way
	Realm    string
	KDC      netip.AddrPort
	Data     []byte
}

// Over: an exchange has no more use for its stream.
type Over struct{ Exchange ID }

// Granted: a ticket is there, or there anew.
type Granted struct {
	Ticket  *Ticket
	Want    uint32 // that UserToUser gave
	Renewed bool
}

// Failed: a KDC said no, or none said anything.
type Failed struct {
	Server krb5.Principal
	Want   uint32 // that UserToUser gave
	Code   krb5.ErrorCode
	Why    string
	Held   bool // there still is a ticket
	// Again is how long the client waits before it asks again; 0: it does not.
	Again time.Duration
}

// Ended: the time of a ticket is over, and there is no other.
type Ended struct{ Server krb5.Principal }

func (Send) fact()    {}
func (Over) fact()    {}
func (Granted) fact() {}
func (Failed) fact()  {}
func (Ended) fact()   {}
