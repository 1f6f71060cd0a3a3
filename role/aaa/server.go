package aaa

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/wire/diameter"
)

// bucketDrained holds, by address, which home agents get no new sessions where that is not what the configuration says.
const bucketDrained = "aaa.drained"

// carrier is the Diameter node below: peers.Node, and in tests a desk on which messages lie.
type carrier interface {
	Start(engine.Now, *engine.Effects)
	Handle(engine.Now, engine.Input, *engine.Effects) []peers.Fact
	Deadline() (engine.Mono, string)
	NewSessionID() string
	Builder() *diameter.Builder
	Request(now engine.Now, out *engine.Effects, raw []byte, ctx uint64) bool
	Message(peers.Handle) (diameter.Message, bool)
	Answer(engine.Now, *engine.Effects, peers.Handle, []byte)
	Refuse(engine.Now, *engine.Effects, peers.Handle, *diameter.Error)
	Forward(engine.Now, *engine.Effects, peers.Handle, []byte)
	Return(engine.Now, *engine.Effects, peers.Handle, []byte)
	Open(host string) bool
	View() any
}

// Server is the AAA server.
type Server struct {
	cfg         Config
	host, realm string
	rand        *engine.Rand
	node        carrier
	timers      engine.Timers[timer]
	last        uint64 // the last name given to a transaction or a query

	// Home.
	registrations map[uint64]*registration
	perUser       map[string]int
	lookups       map[uint64]*lookup
	asking        map[string]uint64
	profiles      profiles
	replays       replays
	sessions      sessions
	home          pool
	records       map[uint64]*accounted
	recording     map[string]int            // of records: by network
	unknown       map[string]*engine.Bucket // by network
	talks         map[conversationKey]*conversation
	talkers       map[uint64]*conversation // by their timers
	kept          engine.Timers[uint64]    // those that succeeded
	begun         engine.Timers[uint64]    // the others: the one that began first is given up first

	// Visited.
	assignments map[uint64]*assignment
	assigning   map[string]int // of them, by the user's realm
	visited     pool
	visiting    sessions // of users of other realms with our home agents

	refused map[string]int
}

// timer is what a deadline is for.
type timer struct {
	kind timerKind
	id   uint64
}

type timerKind uint8

const (
	asked timerKind = iota
	registering
	recording
	assigning
)

// New makes a server. All randomness comes from seed.
func New(cfg Config, seed [32]byte) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := newServer(cfg, engine.NewRand(seed))
	node, err := peers.New(s.cfg.Peers, s.rand)
	if err != nil {
		return nil, err
	}
	s.carry(node)
	return s, nil
}

func newServer(cfg Config, rand *engine.Rand) *Server {
	cfg.Peers.Apps = append(append([]peers.App(nil), cfg.Peers.Apps...), peers.App{ID: diameter.AppMobileIPv6AAA}, peers.App{ID: diameter.AppMobileIPv6AAA, Acct: true})
	own := []peers.Route{{Realm: cfg.Peers.Realm, Action: peers.Local}}
	if cfg.Home != nil {
		h := *cfg.Home
		if len(h.Realms) == 0 {
			h.Realms = []string{cfg.Peers.Realm}
		}
		if h.SessionTime == 0 {
			h.SessionTime = DefaultSessionTime
		}
		cfg.Home = &h
		for _, r := range h.Realms {
			if !strings.EqualFold(r, cfg.Peers.Realm) {
				own = append(own, peers.Route{Realm: r, Action: peers.Local})
			}
		}
	}
	if cfg.Visited != nil {
		cfg.Peers.Apps = append(cfg.Peers.Apps, peers.App{ID: diameter.AppRelay})
	}
	cfg.Peers.Routed = true // home agents and other servers believe this one
	cfg.Peers.Routes = append(append(own, cfg.Peers.Routes...), cfg.routes()...)
	return &Server{cfg: cfg, host: cfg.Peers.Host, realm: cfg.Peers.Realm, rand: rand, registrations: map[uint64]*registration{}, perUser: map[string]int{},
		lookups: map[uint64]*lookup{}, asking: map[string]uint64{}, sessions: newSessions(), records: map[uint64]*accounted{}, recording: map[string]int{}, unknown: map[string]*engine.Bucket{},
		talks: map[conversationKey]*conversation{}, talkers: map[uint64]*conversation{},
		assignments: map[uint64]*assignment{}, assigning: map[string]int{}, visiting: newSessions(), refused: map[string]int{}}
}

// routes are those that follow from partners and agreements, behind the configured ones: to the home of who visits, by this server's
// hands; and to a visited network that may have home agents, for HORs of this server alone.
func (c *Config) routes() (list []peers.Route) {
	if v := c.Visited; v != nil {
		for _, a := range v.Agreements {
			if !strings.EqualFold(a.Realm, c.Peers.Realm) {
				list = append(list, peers.Route{Realm: a.Realm, Via: a.Hosts, Action: peers.Proxy})
			}
		}
	}
	if h := c.Home; h != nil {
		for _, p := range h.Partners {
			if r := p.realm(); p.Agents && !strings.EqualFold(r, c.Peers.Realm) {
				list = append(list, peers.Route{Realm: r, Via: p.Hosts, Own: true})
			}
		}
	}
	return list
}

// carry gives the server its Diameter node.
func (s *Server) carry(node carrier) {
	s.node = node
	if s.cfg.Home != nil {
		s.home = newPool(s.cfg.Home.Pool, node.Open)
	}
	if s.cfg.Visited != nil {
		s.visited = newPool(s.cfg.Visited.Pool, node.Open)
	}
}

// Handle takes one input; see engine.Engine.
func (s *Server) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start:
		s.recover(now, in.Records, out)
		s.node.Start(now, out)
	case engine.Result:
		s.result(now, out, in)
	case engine.Command:
		s.command(in, out)
	case engine.Tick, engine.Opened, engine.Stream, engine.Closed:
		for _, f := range s.node.Handle(now, in, out) {
			s.fact(now, out, f)
		}
	}
	if _, ok := in.(engine.Tick); ok {
		s.tick(now, out)
	}
}

func (s *Server) fact(now engine.Now, out *engine.Effects, f peers.Fact) {
	switch f := f.(type) {
	case peers.Arrived:
		s.arrived(now, out, f)
	case peers.Passed:
		s.node.Return(now, out, f.Handle, f.Message.Raw)
	case peers.Answered:
		if t := s.registrations[f.Ctx]; t != nil {
			s.agentAnswered(now, out, t, f.Message)
		} else if a := s.assignments[f.Ctx]; a != nil {
			s.assigned(now, out, a, f.Message)
		}
	case peers.Unable:
		if t := s.registrations[f.Ctx]; t != nil {
			s.agentFailed(now, out, t, "agent-unreachable")
		} else if a := s.assignments[f.Ctx]; a != nil {
			s.drop(out, "agent-unreachable", engine.A("agent", a.agent))
			s.askHere(now, out, a)
		}
	}
}

// arrived takes a request.
func (s *Server) arrived(now engine.Now, out *engine.Effects, f peers.Arrived) {
	switch {
	case f.Proxy && s.cfg.Visited != nil:
		s.passing(now, out, f)
	case f.Proxy:
		s.node.Forward(now, out, f.Handle, f.Message.Raw)
	case f.Message.Command == diameter.AARegistration && s.cfg.Home != nil:
		s.register(now, out, f)
	case f.Message.Command == diameter.Accounting && s.cfg.Home != nil:
		s.account(now, out, f)
	case f.Message.Command == diameter.HomeAgentMIPv6 && s.cfg.Visited != nil:
		s.assign(now, out, f)
	default:
		s.reject(now, out, f, &diameter.Error{Code: diameter.CommandUnsupported, Text: "this server does not answer " + f.Message.CommandName()}, "command-unsupported")
	}
}

// reject answers a request that went no further than its reading.
func (s *Server) reject(now engine.Now, out *engine.Effects, f peers.Arrived, e *diameter.Error, why string) {
	s.drop(out, why, engine.S("from", f.From), engine.S("error", e.Error()))
	s.node.Refuse(now, out, f.Handle, e)
}

// drop tells and counts a refusal. why is of a fixed set of words.
func (s *Server) drop(out *engine.Effects, why string, attrs ...engine.Attr) {
	s.refused[why]++
	out.Drop(why, attrs...)
}

// tick does what is due.
func (s *Server) tick(now engine.Now, out *engine.Effects) {
	for {
		t, ok := s.timers.Pop(now.Mono)
		if !ok {
			break
		}
		switch t.kind {
		case asked:
			s.looked(now, out, t.id, nil, engine.ErrTimeout)
		case registering:
			s.refuse(now, out, s.registrations[t.id], unable, "no-answer-in-time", "no answer in time")
		case recording:
			s.recorded(now, out, t.id, engine.ErrTimeout)
		case assigning:
			s.notAssigned(now, out, s.assignments[t.id], noAgent, "no-answer-in-time", "no answer in time")
		}
	}
	for id, ok := s.begun.Pop(now.Mono); ok; id, ok = s.begun.Pop(now.Mono) {
		s.drop(out, "eap-timed-out", engine.S("user", s.talkers[id].user))
		s.hangUp(s.talkers[id])
	}
	for id, ok := s.kept.Pop(now.Mono); ok; id, ok = s.kept.Pop(now.Mono) {
		s.hangUp(s.talkers[id])
	}
	s.over(now, out, &s.sessions, &s.home)
	s.over(now, out, &s.visiting, &s.visited)
}

// over ends the sessions whose time it is.
func (s *Server) over(now engine.Now, out *engine.Effects, l *sessions, p *pool) {
	for {
		x, ok := l.end.Pop(now.Mono)
		if !ok {
			return
		}
		l.drop(x, p, out)
		out.Event("aaa.session-over", engine.S("user", x.user), engine.S("why", "time"))
	}
}

// Deadline says when the server wants a Tick; see engine.Engine.
func (s *Server) Deadline() (engine.Mono, string) {
	at, why := s.node.Deadline()
	if t, k := s.timers.Next(); t < at {
		at, why = t, [...]string{"look-up", "registration", "accounting record", "home agent for a visitor"}[k.kind]
	}
	if t, _ := s.begun.Next(); t < at {
		at, why = t, "EAP conversation"
	}
	if t, _ := s.kept.Next(); t < at {
		at, why = t, "EAP conversation that is kept"
	}
	for _, l := range []*sessions{&s.sessions, &s.visiting} {
		if t, _ := l.end.Next(); t < at {
			at, why = t, "end of a session"
		}
	}
	return at, why
}

// recover takes what was persisted: which home agents are drained, and sessions with home agents of other networks.
func (s *Server) recover(now engine.Now, persisted []engine.Record, out *engine.Effects) {
	for _, r := range persisted {
		if r.Bucket == bucketSession {
			s.resume(now, r, out)
			continue
		}
		if a, err := netip.ParseAddr(r.Key); r.Bucket == bucketDrained && err == nil && len(r.Value) == 1 {
			s.setDrained(a, r.Value[0] != 0)
		}
	}
}

func (s *Server) setDrained(a netip.Addr, drained bool) bool {
	found := false
	for _, p := range []*pool{&s.home, &s.visited} {
		if i := p.find(a); i != none {
			p.agents[i].Drained, found = drained, true
		}
	}
	return found
}

// maxAgentsTold is how many home agents an answer names.
const maxAgentsTold = 16

// agents names the home agents of both pools.
func (s *Server) agents() string {
	var words []string
	for _, p := range []*pool{&s.home, &s.visited} {
		for _, a := range p.agents {
			words = append(words, fmt.Sprintf("%v (%s)", a.Address, a.Host))
		}
	}
	switch {
	case len(words) == 0:
		return "none"
	case len(words) > maxAgentsTold:
		words = append(words[:maxAgentsTold], fmt.Sprintf("and %d more, which view lists", len(words)-maxAgentsTold))
	}
	return strings.Join(words, ", ")
}

func (s *Server) command(c engine.Command, out *engine.Effects) {
	reply := engine.Reply{ID: c.ID}
	switch c.Verb {
	case "view":
		reply.Data, _ = json.Marshal(s.View())
	case "drain":
		a, err := netip.ParseAddr(c.Args["agent"])
		drained, mark := true, []byte{1}
		switch c.Args["drained"] {
		case "", "true":
		case "false":
			drained, mark = false, []byte{0}
		default:
			reply.Err = fmt.Sprintf("drained=%.100q: true or false is allowed", c.Args["drained"])
		}
		if reply.Err == "" && (err != nil || !s.setDrained(a, drained)) {
			reply.Err = fmt.Sprintf("agent=%.100q: the address of a home agent of this server is allowed; it has %s", c.Args["agent"], s.agents())
		}
		if reply.Err != "" {
			break
		}
		out.Persist(bucketDrained, a.String(), mark)
		out.Event("aaa.drained", engine.A("agent", a), engine.S("drained", fmt.Sprint(drained)))
		reply.Data, _ = json.Marshal(s.View())
	default:
		reply.Err = "unknown verb " + c.Verb + "; an AAA server takes: view, drain"
	}
	out.Reply(reply)
}

// View is what a server shows of itself.
type View struct {
	Role          string         `json:"role"` // "aaa"
	Host          string         `json:"host"`
	Realm         string         `json:"realm"`
	Sessions      int            `json:"sessions"`      // of our users
	Visiting      int            `json:"visiting"`      // sessions of others' users with home agents of ours
	Waiting       int            `json:"waiting"`       // requests being worked on
	Conversations int            `json:"conversations"` // of EAP
	Profiles      int            `json:"profiles"`      // remembered
	Home          []AgentView    `json:"home,omitempty"`
	Visited       []AgentView    `json:"visited,omitempty"`
	Refused       map[string]int `json:"refused"` // by reason
	Diameter      any            `json:"diameter,omitempty"`
}

// AgentView is one home agent of a pool.
type AgentView struct {
	Address  netip.Addr `json:"address"`
	Host     string     `json:"host"`
	Used     int        `json:"used"` // sessions, and requests on their way to become one
	Capacity int        `json:"capacity"`
	Drained  bool       `json:"drained"`
	Open     bool       `json:"open"`
}

// View is a plain copy; see engine.Engine.
func (s *Server) View() any {
	v := View{Role: "aaa", Host: s.host, Realm: s.realm, Sessions: len(s.sessions.byKey), Visiting: len(s.visiting.byKey), Conversations: len(s.talks) - s.kept.Len(),
		Waiting:  len(s.registrations) + len(s.assignments) + len(s.records),
		Profiles: len(s.profiles.by), Home: s.home.view(), Visited: s.visited.view(), Refused: map[string]int{}, Diameter: s.node.View()}
	for k, n := range s.refused { //order:any
		v.Refused[k] = n
	}
	return v
}

func (p *pool) view() (list []AgentView) {
	for i, a := range p.agents {
		list = append(list, AgentView{a.Address, a.Host, p.used[i], a.Capacity, a.Drained, p.open(a.Host)})
	}
	return list
}
