package eap

import (
	"fmt"
	"slices"

	"roam6/engine"
	"roam6/keying/gpsk"
	wire "roam6/wire/eap"
)

// Result is where a conversation stands.
type Result uint8

// The results. The last two are final.
const (
	Going Result = iota
	Succeeded
	Failed
)

// String is the result in a word.
func (r Result) String() string { return [...]string{"going", "succeeded", "failed"}[r] }

// Outcome is what became of a packet.
type Outcome struct {
	Result Result
	// Reason is one of the fixed words below; drops and failures are counted by them. With Going and no packet to send, or
	// when everything is over, the packet was refused and changed nothing. With Failed it is why.
	Reason string
	Err    error // what a codec said, with Malformed
}

// Reasons why a packet is refused. The state stays as it was.
const (
	Malformed       = "eap malformed"           // Outcome.Err says where
	Over            = "eap over"                // the conversation has ended
	WrongCode       = "eap code"                // a response to a peer, anything else to a server
	WrongIdentifier = "eap identifier"          // not that of the last request or response
	Unexpected      = "eap unexpected"          // a type or message that has no place now
	Mismatch        = "eap gpsk mismatch"       // nonce, identity or suite is not the one of this conversation
	WrongMAC        = "eap gpsk mac"            // not made by one who has the key
	WrongData       = "eap gpsk protected data" // a right MAC over what does not decrypt
	Unproved        = "eap success unproved"    // a Success without a GPSK-3
	Contradicted    = "eap failure after proof" // a Failure after one
)

// Repeated is the Reason of a packet that came again and was answered as before.
const Repeated = "eap repeated"

// Reasons why a conversation fails, or is about to.
const (
	NoMethod      = "eap no common method"
	NoSuite       = "eap gpsk no common suite"
	WrongServer   = "eap gpsk server not expected"
	UnknownPeer   = "eap gpsk unknown peer"
	NotAuthorized = "eap gpsk not authorized"
	Refused       = "eap gpsk refused"    // the server says so, with no proof that it is the server
	Denied        = "eap gpsk denied"     // the server says so, and proves it
	Rejected      = "eap failure"         // a Failure of EAP with nothing before it
	TooManyRounds = "eap too many rounds" // MaxRounds
)

// state of either end.
type state string

const (
	fresh    state = "fresh"    // server: nothing was sent yet
	asked    state = "asked"    // server: Identity was asked for
	proposed state = "proposed" // server: GPSK-1 was sent
	idle     state = "idle"     // peer: no method yet
	proving  state = "proving"  // peer: GPSK-2 was sent; server: GPSK-3
	proved   state = "proved"   // peer: GPSK-3 was right, GPSK-4 was sent
	failing  state = "failing"  // a failure of GPSK was told, the Failure of EAP is missing
	over     state = "over"     // Outcome.Result says how
)

// edges is every change of state there is; become refuses any other.
var edges = map[state][]state{
	fresh:    {asked, proposed, over},
	asked:    {proposed, over},
	proposed: {proving, failing, over},
	idle:     {proving, over},
	proving:  {proving, proved, failing, over},
	proved:   {proved, over},
	failing:  {over},
}

// become is the one place where a state changes.
func become(s *state, next state) {
	if !slices.Contains(edges[*s], next) {
		panic(fmt.Sprintf("eap: from %s to %s", *s, next))
	}
	*s = next
}

// DefaultSuites are the ciphersuites of EAP-GPSK in order of preference: the one with the longer keys first.
var DefaultSuites = []gpsk.Suite{gpsk.SHA256, gpsk.AES}

// fitting are the suites of a configuration that the key is long enough for.
func fitting(key gpsk.Key, list []gpsk.Suite) ([]wire.Suite, error) {
	if len(list) == 0 {
		list = DefaultSuites
	}
	var out []wire.Suite
	for _, s := range list {
		if key.Fits(s) && !slices.Contains(out, onWire(s)) {
			out = append(out, onWire(s))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("eap: none of the suites %v fits the key; use a key of 32 octets", list)
	}
	return out, nil
}

func onWire(s gpsk.Suite) wire.Suite { return wire.Suite{Specifier: uint16(s)} }

// name checks an identity.
func name(what, s string, least int) error {
	if len(s) < least || len(s) > wire.MaxID {
		return fmt.Errorf("eap: the name of the %s has %d octets; use %d to %d", what, len(s), least, wire.MaxID)
	}
	return nil
}

// draw takes a nonce.
func draw(r *engine.Rand) (b [wire.RandLen]byte) {
	r.Read(b[:])
	return b
}

// openable says whether protected data is what its suite makes. Nothing is assigned that we would look for in it.
func openable(k gpsk.Keys, block []byte) bool {
	if len(block) == 0 {
		return true
	}
	plain, err := k.Open(block)
	if err == nil {
		_, err = wire.ParsePayloads(plain)
	}
	return err == nil
}

// Identity is what a Response/Identity says, for whoever routes by it; false for any other packet.
func Identity(response []byte) (string, bool) {
	p, err := wire.Parse(response)
	return string(p.Data), err == nil && p.Code == wire.Response && p.Method == wire.Identity
}
