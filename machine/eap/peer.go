package eap

import (
	"bytes"
	"errors"
	"slices"

	"roam6/engine"
	"roam6/keying/gpsk"
	wire "roam6/wire/eap"
)

// MaxRounds is how many requests a peer answers in one conversation: four of a run as above, and some for notifications and for methods
// that it does not want.
const MaxRounds = 16

// PeerConfig is what a peer is told.
type PeerConfig struct {
	Identity string       // what it answers to an Identity Request: its NAI, 1 to 254 octets
	Name     string       // ID_Peer of EAP-GPSK; empty: the Identity
	Server   string       // ID_Server that it proves itself to; empty: any that asks
	Key      gpsk.Key     // shared with the server
	Suites   []gpsk.Suite // it takes, in order of preference; none: DefaultSuites
}

// Peer is the mobile node's end of one conversation.
type Peer struct {
	cfg    PeerConfig
	suites []wire.Suite
	nonce  [wire.RandLen]byte

	state    state
	result   Result
	why      string // the reason of a failure to come
	rounds   int
	request  []byte // the last one that was answered
	response []byte // and its answer; nil: none yet

	run  gpsk.Run // of the last GPSK-2
	keys gpsk.Keys
}

// NewPeer makes the peer of one conversation; it draws its nonce here.
func NewPeer(cfg PeerConfig, rand *engine.Rand) (*Peer, error) {
	if cfg.Name == "" {
		cfg.Name = cfg.Identity
	}
	suites, err := fitting(cfg.Key, cfg.Suites)
	if err := errors.Join(name("peer", cfg.Identity, 1), name("peer in EAP-GPSK", cfg.Name, 1), name("server", cfg.Server, 0), err); err != nil {
		return nil, err
	}
	return &Peer{cfg: cfg, suites: suites, nonce: draw(rand), state: idle}, nil
}

// Begin is a Response/Identity with identifier 0, as if it had been asked for. It is for lower layers that invite by other means.
func (p *Peer) Begin() []byte {
	if p.response == nil {
		p.response = wire.Packet{Code: wire.Response, Method: wire.Identity, Data: []byte(p.cfg.Identity)}.Append(nil)
	}
	return p.response
}

// Keys are the keys of a conversation that succeeded; false for any other.
func (p *Peer) Keys() (gpsk.Keys, bool) {
	if p.result != Succeeded {
		return gpsk.Keys{}, false
	}
	return p.keys, true
}

// Proven are the keys as soon as the server has proven itself, which is before its Success: who hears of that in a message under these
// very keys can verify it with them. false before, and after a failure.
//
// spec DM-06
func (p *Peer) Proven() (gpsk.Keys, bool) {
	if p.state != proved && p.result != Succeeded {
		return gpsk.Keys{}, false
	}
	return p.keys, true
}

// End gives the conversation up, wherever it stands, and overwrites its keys: those it has made and the one it was given.
func (p *Peer) End() {
	if p.state != over {
		p.finish(Failed, "")
	}
	p.keys.Erase()
	p.cfg.Key.Erase()
}

// State says where the conversation stands, for people.
func (p *Peer) State() string { return standing(p.state, p.result) }

func standing(s state, r Result) string {
	if s == over {
		return r.String()
	}
	return string(s)
}

// Handle takes a packet of the server and gives the response, nil if there is none.
//
// spec DM-06
func (p *Peer) Handle(request []byte) ([]byte, Outcome) {
	q, err := wire.Parse(request)
	switch {
	case err != nil:
		return nil, Outcome{p.result, Malformed, err}
	case p.state == over:
		return p.refuse(Over)
	case q.Code == wire.Response:
		return p.refuse(WrongCode)
	case q.Code != wire.Request:
		return p.ended(q)
	}
	raw := q.Append(nil) // without padding
	if bytes.Equal(raw, p.request) {
		return p.response, Outcome{Reason: Repeated}
	}
	switch {
	case p.rounds < MaxRounds:
	case p.state == proved: // what was proved stays so
		return p.refuse(TooManyRounds)
	default:
		return p.finish(Failed, TooManyRounds)
	}
	answer, o := p.answer(q)
	if answer == nil {
		return nil, o
	}
	p.rounds++
	p.request, p.response = raw, answer.Append(nil)
	return p.response, o
}

func (p *Peer) refuse(reason string) ([]byte, Outcome) {
	return nil, Outcome{Result: p.result, Reason: reason}
}

func (p *Peer) finish(r Result, reason string) ([]byte, Outcome) {
	become(&p.state, over)
	p.result = r
	if r == Failed {
		p.keys.Erase()
	}
	return nil, Outcome{Result: r, Reason: reason}
}

// ended takes a Success or Failure, RFC 3748 §4.2: nothing protects it, and it counts only with what was proved before.
func (p *Peer) ended(q wire.Packet) ([]byte, Outcome) {
	switch {
	case p.response == nil || q.ID != p.response[1]:
		return p.refuse(WrongIdentifier)
	case q.Code == wire.Success && p.state == proved:
		return p.finish(Succeeded, "")
	case q.Code == wire.Success:
		return p.refuse(Unproved)
	case p.state == proved:
		return p.refuse(Contradicted)
	case p.why != "":
		return p.finish(Failed, p.why)
	}
	return p.finish(Failed, Rejected)
}

// answer is the response to a request, nil if it is refused.
func (p *Peer) answer(q wire.Packet) (*wire.Packet, Outcome) {
	switch {
	case q.Method == wire.Notification && (p.state == idle || p.state == proving): // §5.2: before the method is complete
		return reply(q, wire.Notification, nil)
	case q.Method == wire.Identity && p.state == idle:
		return reply(q, wire.Identity, []byte(p.cfg.Identity))
	case q.Method == wire.GPSK:
		m, err := wire.ParseGPSK(q.Data)
		if err != nil {
			return nil, Outcome{Reason: Malformed, Err: err}
		}
		return p.gpsk(q, m)
	case q.Method == wire.Nak, p.state != idle:
		return nil, Outcome{Reason: Unexpected}
	}
	return p.nak(q, NoMethod, wire.GPSK)
}

func reply(q wire.Packet, m wire.Method, data []byte) (*wire.Packet, Outcome) {
	r := q.Reply(m, data)
	return &r, Outcome{}
}

// nak asks for other methods; reason is why the conversation fails if the server has none.
func (p *Peer) nak(q wire.Packet, reason string, want ...wire.Method) (*wire.Packet, Outcome) {
	p.why = reason
	r := q.Refuse(want...)
	return &r, Outcome{Reason: reason}
}

func (p *Peer) gpsk(q wire.Packet, m wire.GPSKMessage) (*wire.Packet, Outcome) {
	switch m := m.(type) {
	case *wire.GPSK1:
		if p.state == idle || p.state == proving {
			return p.onGPSK1(q, m)
		}
	case *wire.GPSK3: // may come again with another identifier, which nothing protects
		if p.state == proving || p.state == proved {
			return p.onGPSK3(q, m)
		}
	case *wire.GPSKFail:
		if p.state == proving {
			return p.onFail(q, Refused)
		}
	case *wire.GPSKProtectedFail:
		if p.state != proving {
			break
		}
		if !p.keys.Verify(m.Covered(), m.MAC) {
			return nil, Outcome{Reason: WrongMAC}
		}
		return p.onFail(q, Denied)
	}
	return nil, Outcome{Reason: Unexpected}
}

// onGPSK1 proves who we are. Nothing protects GPSK-1, so another one is taken while GPSK-3 has not come, with the same nonce of ours.
func (p *Peer) onGPSK1(q wire.Packet, m *wire.GPSK1) (*wire.Packet, Outcome) {
	i := slices.IndexFunc(p.suites, func(s wire.Suite) bool { return slices.Contains(m.Suites, s) })
	switch {
	case p.cfg.Server != "" && p.cfg.Server != string(m.Server):
		return p.unwanted(q, WrongServer)
	case i < 0:
		return p.unwanted(q, NoSuite)
	}
	become(&p.state, proving)
	p.why = ""
	p.run = gpsk.Run{Suite: gpsk.Suite(p.suites[i].Specifier), RandPeer: p.nonce, RandServer: m.RandServer, Peer: []byte(p.cfg.Name), Server: m.Server}
	p.keys.Erase()
	p.keys = p.cfg.Key.Derive(p.run)
	out := &wire.GPSK2{Peer: p.run.Peer, Server: m.Server, RandPeer: p.nonce, RandServer: m.RandServer, Suites: m.Suites, Suite: p.suites[i]}
	out.MAC = p.keys.MAC(out.Covered())
	return reply(q, wire.GPSK, out.Append(nil))
}

// unwanted refuses the method, RFC 5433 §10: there is no other. One that was begun is not given up for it.
func (p *Peer) unwanted(q wire.Packet, reason string) (*wire.Packet, Outcome) {
	if p.state != idle {
		return nil, Outcome{Reason: Mismatch}
	}
	return p.nak(q, reason)
}

// onGPSK3 verifies the server, RFC 5433 §10. Its nonce is the one in this message: GPSK-1 may have been another's.
func (p *Peer) onGPSK3(q wire.Packet, m *wire.GPSK3) (*wire.Packet, Outcome) {
	if m.RandPeer != p.nonce || !bytes.Equal(m.Server, p.run.Server) || m.Suite != onWire(p.run.Suite) {
		return nil, Outcome{Reason: Mismatch}
	}
	run, keys := p.run, p.keys
	another := m.RandServer != run.RandServer
	if another {
		run.RandServer = m.RandServer
		keys = p.cfg.Key.Derive(run)
	}
	reason := ""
	switch {
	case !keys.Verify(m.Covered(), m.MAC):
		reason = WrongMAC
	case !openable(keys, m.Protected):
		reason = WrongData
	}
	if reason != "" {
		if another {
			keys.Erase()
		}
		return nil, Outcome{Reason: reason}
	}
	become(&p.state, proved)
	if another {
		p.keys.Erase()
	}
	p.run, p.keys = run, keys
	out := &wire.GPSK4{}
	out.MAC = keys.MAC(out.Covered())
	return reply(q, wire.GPSK, out.Append(nil))
}

// onFail repeats the message to the server, RFC 5433 §10; its Failure follows.
func (p *Peer) onFail(q wire.Packet, reason string) (*wire.Packet, Outcome) {
	become(&p.state, failing)
	p.why = reason
	r := q.Reply(wire.GPSK, q.Data)
	return &r, Outcome{Reason: reason}
}
