package peers

import (
	"net/netip"

	"roam6/wire/diameter"
)

// Config is what a node knows of itself and of others. Host, Realm and the hosts and realms of others are DiameterIdentities: domain names,
// compared without regard to case.
type Config struct {
	Host, Realm string
	Product     string       // Product-Name; "roam6" if empty
	Addresses   []netip.Addr // Host-IP-Address; empty: that of each connection
	Apps        []App        // applications in which this node answers; one that passes messages on has diameter.AppRelay too
	Listen      []Listen
	Peers       []Peer
	Routes      []Route // the first that fits is taken, "*" after all others
	Strangers   bool    // take peers that are not listed, if TLS proved their name
}

// App is an application in which the node has something to say, as Auth-Application-Id or Acct-Application-Id (RFC 6733 §6.8, §6.9).
type App struct {
	ID   uint32
	Acct bool
}

// Listen is an address where peers may connect. TLS names a profile of the node, empty is plain TCP.
type Listen struct {
	Name string
	At   netip.AddrPort
	TLS  string
}

// Peer is a node that this one is connected with.
type Peer struct {
	Host, Realm string
	At          netip.AddrPort // where it is dialled; unset: it dials us
	TLS         string         // the profile its connections must be protected by, in either direction; empty: they need not be
	Server      string         // the name its certificate bears when it is dialled; empty: Host
	From        netip.Prefix   // its connections come from here; unset: from anywhere, and without TLS whoever reaches us can claim its name
}

// Action is what is done with a request, RFC 6733 §6.1.
type Action uint8

// The actions.
const (
	Relay    Action = iota // sent on as it is, with a Route-Record
	Local                  // answered here: Arrived
	Proxy                  // sent on by the owner of the node, who may edit it: Arrived with Proxy
	Redirect               // answered with the hosts of Via as Redirect-Host
)

// Route says what is done with requests for a realm. Realm "*" is every realm, App 0 every application.
type Route struct {
	Realm  string
	App    uint32
	Via    []string // hosts of peers in order of preference
	Action Action
}

// Handle names a request that arrived, until it is answered or forgotten.
type Handle uint64

// Fact is what the node found out. The set is closed: the types below. Messages in facts are valid until the next Handle.
type Fact interface{ fact() }

// Arrived is a request for the owner of the node: to be answered (Answer), or with Proxy to be sent on (Forward) or answered. Its grammar has
// been checked unless Proxy is set. The message stays readable by Message until it is answered.
type Arrived struct {
	Handle  Handle
	From    string // host of the peer it came from, in lower case; not its Origin-Host if there are agents between
	Message diameter.Message
	Proxy   bool
}

// Passed is the answer to a request that was sent on by Forward: to be given back by Return, or other words by Answer.
type Passed struct {
	Handle  Handle
	From    string
	Message diameter.Message
}

// Answered is the answer to an own request. Its grammar has been checked.
type Answered struct {
	Ctx     uint64
	Message diameter.Message
}

// Unable says that an own request has no answer and will have none.
type Unable struct {
	Ctx  uint64
	Code uint32 // a result code of RFC 6733 §7.1
}

// PeerUp says that a peer's connection is open, and requests can go to it.
type PeerUp struct{ Host string }

// PeerDown says that it is not any more.
type PeerDown struct{ Host, Why string }

func (Arrived) fact()  {}
func (Passed) fact()   {}
func (Answered) fact() {}
func (Unable) fact()   {}
func (PeerUp) fact()   {}
func (PeerDown) fact() {}
