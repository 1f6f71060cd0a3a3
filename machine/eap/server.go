package eap

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"roam6/engine"
	"roam6/keying/gpsk"
	wire "roam6/wire/eap"
)

// MaxAge is how long a conversation may last at the server, from the first packet on. Whoever keeps the server keeps the time.
const MaxAge = time.Minute

// ServerConfig is what a server is told about itself and the peer.
type ServerConfig struct {
	Name   string       // ID_Server: the server's Diameter identity, 1 to 254 octets
	Peer   string       // ID_Peer that has the key
	Key    gpsk.Key     // the peer's; the zero Key: there is no such peer
	Denied bool         // the peer is known and not authorized
	Suites []gpsk.Suite // offered, in order; none: DefaultSuites
}

// Server is the home AAA server's end of one conversation. What it sends is bounded by the method: at most three requests.
type Server struct {
	cfg    ServerConfig
	known  bool
	suites []wire.Suite
	nonce  [wire.RandLen]byte

	state    state
	result   Result
	why      string // the reason of a failure to come
	identity string
	id       uint8  // of the request
	request  []byte // the last packet sent; nil: none yet
	response []byte // the one it answered

	keys gpsk.Keys
}

// NewServer makes the server of one conversation; it draws its nonce and first identifier here.
func NewServer(cfg ServerConfig, rand *engine.Rand) (*Server, error) {
	s := &Server{cfg: cfg, known: cfg.Key.Fits(gpsk.AES), nonce: draw(rand), state: fresh}
	decoy := draw(rand)
	if !s.known { // the same offer and the same work as for one that is known
		var err error
		if s.cfg.Key, err = gpsk.NewKey(decoy[:]); err != nil {
			panic(err) // a nonce is long enough
		}
		s.cfg.Peer = "-"
	}
	s.id = uint8(rand.Uint16())
	suites, err := fitting(s.cfg.Key, cfg.Suites)
	if err := errors.Join(name("server", cfg.Name, 1), name("peer", s.cfg.Peer, 1), err); err != nil {
		return nil, err
	}
	s.suites = suites
	return s, nil
}

// Start is the Request/Identity. A server that is given a Response/Identity needs no Start.
func (s *Server) Start() []byte {
	if s.state == fresh {
		become(&s.state, asked)
		s.send(wire.Packet{Code: wire.Request, Method: wire.Identity})
	}
	return s.request
}

// Identity is what the peer called itself; it proves nothing.
func (s *Server) Identity() string { return s.identity }

// Keys are the keys of a conversation that succeeded; false for any other.
func (s *Server) Keys() (gpsk.Keys, bool) {
	if s.result != Succeeded {
		return gpsk.Keys{}, false
	}
	return s.keys, true
}

// End gives the conversation up, wherever it stands, and overwrites its keys: those it has made and the one it was given.
func (s *Server) End() {
	if s.state != over {
		become(&s.state, over)
		s.result = Failed
	}
	s.keys.Erase()
	s.cfg.Key.Erase()
}

// State says where the conversation stands, for people.
func (s *Server) State() string { return standing(s.state, s.result) }

// Handle takes a response of the peer and gives the next packet for it, nil if there is none.
//
// spec DM-06
func (s *Server) Handle(response []byte) ([]byte, Outcome) {
	p, err := wire.Parse(response)
	if err != nil {
		return nil, Outcome{s.result, Malformed, err}
	}
	raw := p.Append(nil) // without padding
	switch {
	case s.response != nil && bytes.Equal(raw, s.response):
		return s.request, Outcome{Result: s.result, Reason: Repeated}
	case s.state == over:
		return nil, Outcome{Result: s.result, Reason: Over}
	case p.Code != wire.Response:
		return nil, Outcome{Reason: WrongCode}
	case s.state != fresh && p.ID != s.id:
		return nil, Outcome{Reason: WrongIdentifier}
	}
	next, o := s.take(p)
	if next == nil {
		return nil, o
	}
	s.response = raw
	s.send(*next)
	return s.request, o
}

// send gives a request the next identifier; a Success or Failure has that of the response.
func (s *Server) send(p wire.Packet) {
	if p.Code == wire.Request {
		s.id++
	}
	p.ID = s.id
	s.request = p.Append(nil)
}

// take is what follows a response, nil if it is refused.
func (s *Server) take(p wire.Packet) (*wire.Packet, Outcome) {
	switch {
	case p.Method == wire.Identity && (s.state == fresh || s.state == asked):
		return s.propose(p)
	case p.Method == wire.Nak && s.state == proposed:
		if _, err := wire.ParseNak(p); err != nil {
			return nil, Outcome{Reason: Malformed, Err: err}
		}
		return s.finish(Failed, NoMethod) // there is no other
	case p.Method != wire.GPSK:
		return nil, Outcome{Reason: Unexpected}
	}
	m, err := wire.ParseGPSK(p.Data)
	if err != nil {
		return nil, Outcome{Reason: Malformed, Err: err}
	}
	switch m := m.(type) {
	case *wire.GPSK2:
		if s.state == proposed {
			return s.onGPSK2(m)
		}
	case *wire.GPSK4:
		if s.state == proving {
			return s.onGPSK4(m)
		}
	case *wire.GPSKFail, *wire.GPSKProtectedFail:
		if s.state == failing && bytes.Equal(s.request[wire.HeaderLen+1:], p.Data) {
			return s.finish(Failed, s.why)
		}
	}
	return nil, Outcome{Reason: Unexpected}
}

// propose begins EAP-GPSK.
func (s *Server) propose(p wire.Packet) (*wire.Packet, Outcome) {
	if s.state == fresh {
		s.id = p.ID
	}
	become(&s.state, proposed)
	s.identity = string(p.Data)
	return ask(&wire.GPSK1{Server: []byte(s.cfg.Name), RandServer: s.nonce, Suites: s.suites})
}

func ask(m wire.GPSKMessage) (*wire.Packet, Outcome) {
	return &wire.Packet{Code: wire.Request, Method: wire.GPSK, Data: m.Append(nil)}, Outcome{}
}

// finish ends the conversation with a Success or Failure.
func (s *Server) finish(r Result, reason string) (*wire.Packet, Outcome) {
	become(&s.state, over)
	s.result = r
	code := wire.Success
	if r == Failed {
		code = wire.Failure
		s.keys.Erase()
	}
	return &wire.Packet{Code: code}, Outcome{Result: r, Reason: reason}
}

// onGPSK2 verifies the peer in the order of RFC 5433 §10.
func (s *Server) onGPSK2(m *wire.GPSK2) (*wire.Packet, Outcome) {
	if m.RandServer != s.nonce || string(m.Server) != s.cfg.Name || !slices.Equal(m.Suites, s.suites) || !slices.Contains(s.suites, m.Suite) {
		return nil, Outcome{Reason: Mismatch}
	}
	keys := s.cfg.Key.Derive(gpsk.Run{Suite: gpsk.Suite(m.Suite.Specifier), RandPeer: m.RandPeer, RandServer: s.nonce, Peer: m.Peer, Server: m.Server})
	reason := ""
	switch right := keys.Verify(m.Covered(), m.MAC); { // for an unknown peer as well, so that it takes as long
	case !s.known || string(m.Peer) != s.cfg.Peer:
		reason = UnknownPeer
	case !right:
		reason = WrongMAC
	case !openable(keys, m.Protected):
		keys.Erase()
		return nil, Outcome{Reason: WrongData}
	}
	if reason != "" {
		keys.Erase()
		return s.failing(reason, &wire.GPSKFail{Failure: wire.AuthenticationFailure})
	}
	s.keys = keys
	if s.cfg.Denied {
		out := &wire.GPSKProtectedFail{Failure: wire.AuthorizationFailure}
		out.MAC = keys.MAC(out.Covered())
		return s.failing(NotAuthorized, out)
	}
	become(&s.state, proving)
	out := &wire.GPSK3{RandPeer: m.RandPeer, RandServer: s.nonce, Server: m.Server, Suite: m.Suite}
	out.MAC = keys.MAC(out.Covered())
	return ask(out)
}

// failing tells the peer that it is refused; its repetition of the message is answered with a Failure.
func (s *Server) failing(reason string, m wire.GPSKMessage) (*wire.Packet, Outcome) {
	become(&s.state, failing)
	s.why = reason
	p, _ := ask(m)
	return p, Outcome{Reason: reason}
}

// onGPSK4 takes the peer's confirmation.
func (s *Server) onGPSK4(m *wire.GPSK4) (*wire.Packet, Outcome) {
	if !s.keys.Verify(m.Covered(), m.MAC) {
		return nil, Outcome{Reason: WrongMAC}
	}
	if !openable(s.keys, m.Protected) {
		return nil, Outcome{Reason: WrongData}
	}
	return s.finish(Succeeded, "")
}
