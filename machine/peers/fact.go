package peers

import "roam6/wire/diameter"

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
