package kdc

import (
	"encoding/json"
	"strconv"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	lk "roam6/keying/lwkrb"
	"roam6/wire/krb5"
	"roam6/wire/lwkrb"
)

// Names of what is listened at, with a number behind them.
const (
	listenName = "kdc/"    // Bind and Listen: "kdc/0 udp", "kdc/0 tcp"
	askName    = "kdc.ask" // Bind by which other KDCs are asked
)

// Server is the KDC of a realm.
type Server struct {
	cfg    Config
	rand   *engine.Rand
	self   krb5.Principal // krbtgt/REALM@REALM
	timers engine.Timers[timer]
	last   uint64 // the last name given to a task or a look-up

	tasks    map[uint64]*task
	working  map[digest]uint64 // tasks by their requests
	lookups  map[uint64]*lookup
	asking   map[string]uint64
	accounts accounts
	rates    rates
	replays  replays
	answers  answers
	conns    map[engine.Conn]*conn
	forwards forwards
	plain    []byte // room for what is to be sealed, cleared between

	granted map[string]int // by exchange
	refused map[string]int // by reason
	down    map[string]string
}

// timer is what a deadline is for.
type timer struct {
	kind timerKind
	id   uint64
}

type timerKind uint8

const (
	asked timerKind = iota
	working
	idle
	forwarding
	rebinding
)

// New makes a server. All randomness comes from seed.
func New(cfg Config, seed [32]byte) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	for _, d := range []struct {
		at   *time.Duration
		none time.Duration
	}{{&cfg.Life, DefaultLife}, {&cfg.RenewLife, DefaultRenewLife}} {
		if *d.at == 0 {
			*d.at = d.none
		}
	}
	for _, d := range []struct {
		at   *int
		none int
	}{{&cfg.PerSource, DefaultPerSource}, {&cfg.Whole, DefaultWhole}} {
		if *d.at == 0 {
			*d.at = d.none
		}
	}
	return &Server{cfg: cfg, rand: engine.NewRand(seed), self: krb5.Principal{Name: krb5.TGS(cfg.Realm), Realm: cfg.Realm},
		tasks: map[uint64]*task{}, working: map[digest]uint64{}, lookups: map[uint64]*lookup{}, asking: map[string]uint64{},
		conns: map[engine.Conn]*conn{}, forwards: newForwards(), granted: map[string]int{}, refused: map[string]int{}, down: map[string]string{}}, nil
}

// Handle takes one input; see engine.Engine.
func (s *Server) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start:
		s.replays.restore(now, out, in.Records)
		s.listen(out, "")
	case engine.Datagram:
		s.datagram(now, out, in)
	case engine.Opened:
		s.opened(now, out, in)
	case engine.Stream:
		s.stream(now, out, in)
	case engine.Closed:
		s.closed(now, out, in)
	case engine.Result:
		s.result(now, out, in)
	case engine.Command:
		s.command(in, out)
	case engine.Tick:
		s.tick(now, out)
	}
}

// listen opens what is to be listened at; with only, that one again.
func (s *Server) listen(out *engine.Effects, only string) {
	for i, at := range s.cfg.Listen {
		name := listenName + strconv.Itoa(i)
		if only == "" || only == name+" udp" {
			out.Bind(engine.Bind{Name: name + " udp", At: at})
		}
		if only == "" || only == name+" tcp" {
			out.Listen(engine.Listen{Name: name + " tcp", At: at})
		}
	}
	if only == askName || only == "" && s.cfg.asks() {
		out.Bind(engine.Bind{Name: askName})
	}
}

// asks says whether there are KDCs that open-reqs are sent to.
func (c *Config) asks() bool {
	for i := range c.Realms {
		if len(c.Realms[i].KDCs) > 0 {
			return true
		}
	}
	return false
}

// datagram takes a message over UDP: of Kerberos V5, or of lightweight Kerberos, whose first octet is no message of the other.
func (s *Server) datagram(now engine.Now, out *engine.Effects, d engine.Datagram) {
	from := origin{name: d.Name, peer: d.Peer, local: d.Local}
	if d.Name == askName {
		s.answered(now, out, d)
		return
	}
	if why := s.rates.take(now.Mono, d.Peer.Addr(), s.cfg.PerSource, s.cfg.Whole); why != "" {
		s.drop(out, why, engine.A("from", d.Peer))
		return
	}
	s.message(now, out, from, d.Data)
}

// message takes a request from wherever it came.
func (s *Server) message(now engine.Now, out *engine.Effects, from origin, raw []byte) {
	if len(raw) == 0 || len(raw) > MaxRequest {
		s.drop(out, "size", engine.A("from", from.peer), engine.S("octets", strconv.Itoa(len(raw))))
		return
	}
	from.what = digestOf(raw)
	if octets := s.answers.get(now.Mono, from.what); octets != nil {
		s.granted["again"]++
		if from.conn == 0 && len(octets) > MaxDatagram {
			octets = s.tooBig(now, raw)
		}
		s.send(now, out, from, octets)
		return
	}
	switch {
	case raw[0] == lwkrb.Version && from.conn == 0:
		s.open(now, out, from, raw)
	case krb5.KindOf(raw) == krb5.KindASReq, krb5.KindOf(raw) == krb5.KindTGSReq:
		s.request(now, out, from, raw)
	default:
		s.drop(out, "no-request", engine.A("from", from.peer))
	}
}

// tooBig sends a client to TCP. Its program looks at this before it looks for any armor.
func (s *Server) tooBig(now engine.Now, raw []byte) []byte {
	q, err := krb5.ParseKDCReq(raw)
	if err != nil {
		return nil // it was answered, so it is one
	}
	return s.krbError(now, &task{req: q}, &refusal{code: krb5.ErrResponseTooBig})
}

// request takes an AS-REQ or a TGS-REQ.
func (s *Server) request(now engine.Now, out *engine.Effects, from origin, raw []byte) {
	raw = append([]byte(nil), raw...) // what is parsed shares its memory, and look-ups take time
	q, err := krb5.ParseKDCReq(raw)
	if err != nil {
		s.drop(out, "malformed", engine.A("from", from.peer), engine.S("error", err.Error()))
		return
	}
	kind := "as"
	if q.TGS {
		kind = "tgs"
	}
	t, why := s.begin(now, from, kind, raw)
	if t == nil {
		s.drop(out, why, engine.A("from", from.peer))
		return
	}
	t.req = q
	t.fail = func(now engine.Now, out *engine.Effects, why string) {
		s.refuse(now, out, t, &refusal{code: krb5.ErrSvcUnavailable, why: why, text: "the database cannot be asked just now; try again"})
	}
	if q.TGS {
		s.tgs(now, out, t)
	} else {
		s.as(now, out, t)
	}
}

// send gives an answer to who asked.
func (s *Server) send(now engine.Now, out *engine.Effects, to origin, octets []byte) {
	if to.conn == 0 {
		out.Datagram(engine.Datagram{Name: to.name, Peer: to.peer, Local: to.local, Data: octets})
		return
	}
	if s.conns[to.conn] != nil {
		out.Write(to.conn, krb5.AppendFrame(nil, octets))
		s.timers.Set(timer{idle, uint64(to.conn)}, now.Mono.Add(IdleTime))
	}
}

// drop tells and counts a refusal. why is of a fixed set of words.
func (s *Server) drop(out *engine.Effects, why string, attrs ...engine.Attr) {
	s.refused[why]++
	out.Drop(why, attrs...)
}

// tick does what is due.
func (s *Server) tick(now engine.Now, out *engine.Effects) {
	for t, ok := s.timers.Pop(now.Mono); ok; t, ok = s.timers.Pop(now.Mono) {
		switch t.kind {
		case asked:
			s.looked(now, out, t.id, nil, engine.ErrTimeout)
		case working:
			s.tasks[t.id].fail(now, out, "no-answer-in-time")
		case idle:
			out.Close(engine.Conn(t.id))
		case forwarding:
			s.forwardAgain(now, out, uint32(t.id))
		case rebinding:
			s.rebind(out)
		}
	}
	s.replays.over(now.Mono, out)
}

// rebind tries what could not be had again.
func (s *Server) rebind(out *engine.Effects) {
	names := []string{askName}
	for i := range s.cfg.Listen {
		names = append(names, listenName+strconv.Itoa(i)+" udp", listenName+strconv.Itoa(i)+" tcp")
	}
	for _, name := range names {
		if s.down[name] != "" {
			delete(s.down, name)
			s.listen(out, name)
		}
	}
}

// Deadline says when the server wants a Tick; see engine.Engine.
func (s *Server) Deadline() (engine.Mono, string) {
	at, k := s.timers.Next()
	why := [...]string{"look-up", "request", "idle connection", "open-req to another KDC", "address to listen at"}[k.kind]
	if t := s.replays.next(); t < at {
		at, why = t, "authenticator to be forgotten"
	}
	return at, why
}

func (s *Server) command(c engine.Command, out *engine.Effects) {
	reply := engine.Reply{ID: c.ID}
	switch c.Verb {
	case "view":
		reply.Data, _ = json.Marshal(s.View())
	case "forget": // what the database said: a change holds at once
		s.accounts.clear()
		reply.Data, _ = json.Marshal(s.View())
	default:
		reply.Err = "unknown verb " + c.Verb + "; a KDC takes: view, forget"
	}
	out.Reply(reply)
}

// confounder is what an encryption begins with.
func (s *Server) confounder() []byte {
	b := make([]byte, keys.ConfounderLen)
	s.rand.Read(b)
	return b
}

// drawn is what a sealing of lightweight Kerberos begins with.
func (s *Server) drawn() (b [lk.NonceLen]byte) {
	s.rand.Read(b[:])
	return b
}

// sessionKey draws one.
func (s *Server) sessionKey(e keys.EType) krb5.EncryptionKey {
	b := make([]byte, e.KeyLen())
	s.rand.Read(b)
	return krb5.EncryptionKey{EType: int32(e), Value: b}
}
