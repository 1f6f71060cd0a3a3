package enrol

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/nd"
)

// Times and limits.
const (
	// FirstWait is the first wait for a reply; each further one is twice as long. The network may have to ask the home domain and to
	// check two addresses for duplicates, a second each: the first repetitions are for what gets lost on the link.
	FirstWait = 300 * time.Millisecond
	MaxTries  = 5 // requests with one identifier: the last wait ends 9.3 s after the first
	// Pause follows a refusal or silence; each further one is twice as long, up to MaxPause.
	Pause    = 10 * time.Second
	MaxPause = 5 * time.Minute
	// MaxFresh is how often a challenge is exchanged for a fresh one while one thing is asked for. Anyone on the link can forge the reply
	// that asks for it, so once is not enough.
	MaxFresh = 3
	// MaxRounds is the most rounds of EAP; long methods take a dozen or two.
	MaxRounds = 40
	// RenewAt is the part of a session's or a key's life after which it is due to be renewed.
	RenewAt = 0.8
	// Spread is how soon a session is renewed, at random, when the AAA client says that it has lost some: all mobile nodes of a link hear that
	// at once. Anybody on the link can say so, therefore it counts once in Pause, and twice as long each further time, up to MaxPause; after
	// MaxPause without such word it is as new.
	Spread = time.Second
	// HostChallengeLen is how many octets are drawn for each request.
	HostChallengeLen = 16
)

// State of an Applicant.
type State string

// The states.
const (
	Idle    State = "idle"    // nothing was asked for
	Asking  State = "asking"  // a request is out
	Granted State = "granted" // the last request was granted
	Resting State = "resting" // it was not; nothing is asked for a while
)

// edges is every change of state there is; become refuses any other.
var edges = map[State][]State{
	Idle:    {Asking},
	Asking:  {Idle, Granted, Resting},
	Granted: {Idle, Asking},
	Resting: {Idle, Asking},
}

// Config is who asks, and where.
type Config struct {
	Port     plane.Port
	NAI      string // RFC 7542; empty: the home address names the node (§3.2 of the draft)
	LongTerm []byte // shared with the home AAA server, aaa.KeyLen octets; nil: EAP alone
}

// Format prints port and NAI and no key, for every verb.
func (c Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{Port:%d NAI:%q LongTerm:[key]}", c.Port, c.NAI)
}

// Want is what one request asks for.
type Want struct {
	Home     netip.Addr      // the home address; invalid while there is none
	CareOf   netip.Addr      // from which the request goes
	Via      plane.HW        // link-layer address of the AAA client, or of the router it is
	Features access.Features // §9.2.1
	// Keys are uses and methods; SPI is where the node wants to be sent to, 0 for one that is drawn here; Public is filled in here.
	Keys    []access.KeyRequest
	Binding []byte // §6.4: the packet with the Binding Update that need not be sent then; nil: none
	EAP     []byte // a response of EAP, §6.2; nil: without
}

// Fact is what an Applicant found out: *Grant, Refused, Silent, Round, Rested, Due or Ended.
type Fact interface{ fact() }

// Grant: the home network itself said yes.
type Grant struct {
	Reply   *access.Reply // verified
	Network string        // the visited network
	CareOf  netip.Addr
	Until   engine.Mono // end of the session; Never
	Keys    []Key
}

// Refused: the network said no; Proven is whether it was the home network, or whoever is on the link.
type Refused struct {
	Result diameter.ResultCode
	Proven bool
}

// Silent: nobody answered.
type Silent struct{}

// Round: EAP goes on with this request; Respond answers it, and not answering ignores it.
type Round struct{ EAP []byte }

// Rested: the pause after a refusal or silence is over.
type Rested struct{}

// Due: session or keys should be renewed.
type Due struct{}

// Ended: the session is over.
type Ended struct{}

func (*Grant) fact()  {}
func (Refused) fact() {}
func (Silent) fact()  {}
func (Round) fact()   {}
func (Rested) fact()  {}
func (Due) fact()     {}
func (Ended) fact()   {}

// Applicant asks on one link. Make it with New.
type Applicant struct {
	port   plane.Port
	nai    string
	secret func() []byte // nil while there is none
	rand   *engine.Rand

	state   State
	ad      *nd.Access // of the last advertisement; nil: the network asks nobody
	ask     request
	session session
	doubt   doubt
	pause   time.Duration       // the last; 0: none since the last success
	result  diameter.ResultCode // of the last reply
	timers  engine.Timers[what]
}

// session is what was granted.
type session struct {
	client, careOf netip.Addr
	network        string
	until          engine.Mono
	epoch          uint32 // of the AAA client when it was asked
	doubted, due   bool
}

// doubt is when a session was last renewed because the AAA client may have lost it, and how long such word does not count from then on.
type doubt struct {
	at    engine.Mono
	pause time.Duration
}

type what uint8

const (
	repeat what = iota // the request
	rest
	renew
	end
)

// New makes the applicant of a link. Randomness is for identifiers, challenges, SPIs and secrets.
func New(c Config, rand *engine.Rand) (*Applicant, error) {
	if c.LongTerm != nil && len(c.LongTerm) != aaa.KeyLen {
		return nil, fmt.Errorf("enrol: the long-term key has %d octets; use %d", len(c.LongTerm), aaa.KeyLen)
	}
	a := &Applicant{port: c.Port, nai: c.NAI, rand: rand, state: Idle}
	if b := slices.Clone(c.LongTerm); b != nil {
		a.secret = func() []byte { return b }
	}
	return a, nil
}

// Rekey takes the secret that a method of EAP exported, aaa.KeyLen octets: network authentication data and keys of what is asked for now
// are verified with it. The next conversation has another.
//
// spec DM-06
func (a *Applicant) Rekey(secret []byte) error {
	switch {
	case len(secret) != aaa.KeyLen:
		return errors.New("enrol: a secret of the wrong length")
	case a.state != Asking || a.ask.want.EAP == nil:
		return errors.New("enrol: no EAP is spoken")
	}
	a.rekey(secret)
	return nil
}

// Advertised takes what the router in use says of access: the challenge for the next request. One that names another client or network
// ends what was asked of the one before, and its session; another epoch has the session renewed.
//
// spec DM-05
func (a *Applicant) Advertised(now engine.Now, ad *nd.Access, out *engine.Effects) {
	if a.ad != nil && (a.ad.Client != ad.Client || a.ad.Network != ad.Network) {
		a.Leave("another AAA client", out)
	}
	a.ad = ad
	if s := &a.session; s.careOf.IsValid() && s.epoch != ad.Epoch && !s.doubted && !s.due {
		a.doubts(now, out)
	}
}

// doubts has the session renewed soon, as if it were due. Until then, and if nothing comes of it, it is as good as it was.
func (a *Applicant) doubts(now engine.Now, out *engine.Effects) {
	d := &a.doubt
	if now.Mono.Sub(d.at) > MaxPause {
		d.pause = 0
	}
	at := now.Mono.Add(a.rand.Between(0, Spread))
	if d.pause > 0 {
		at = max(at, d.at.Add(d.pause))
	}
	d.at, d.pause = at, min(max(2*d.pause, Pause), MaxPause)
	a.session.doubted = true
	if due, armed := a.timers.Armed(renew); !armed || at < due {
		a.timers.Set(renew, at)
	}
	out.Event("access.doubted", engine.A("client", a.session.client), engine.S("in", at.Sub(now.Mono).String()))
}

// Leave forgets network and session: the node is somewhere else.
func (a *Applicant) Leave(why string, out *engine.Effects) {
	a.ad, a.ask, a.session, a.pause, a.doubt = nil, request{}, session{}, 0, doubt{}
	a.timers = engine.Timers[what]{}
	a.become(Idle, why, out)
}

// Stop ends the request that is out; the session stays. Its answer will not be taken any more.
func (a *Applicant) Stop(why string, out *engine.Effects) {
	if a.state == Asking {
		a.ask = request{}
		a.timers.Stop(repeat)
		a.become(Idle, why, out)
	}
}

// Known reports whether the network asks who comes: whether an advertisement said so.
func (a *Applicant) Known() bool { return a.ad != nil }

// Admitted reports whether the network lets packets pass from an address.
func (a *Applicant) Admitted(now engine.Now, careOf netip.Addr) bool {
	return a.session.careOf == careOf && careOf.IsValid() && a.session.until > now.Mono
}

// Due reports whether session or keys should be renewed.
func (a *Applicant) Due() bool { return a.session.due }

// State is what goes on.
func (a *Applicant) State() State { return a.state }

// Network is the visited network that is asked, or was last seen; empty where nobody is.
func (a *Applicant) Network() string {
	switch {
	case a.state == Asking:
		return a.ask.network
	case a.ad != nil:
		return a.ad.Network
	}
	return ""
}

// Asks reports what is asked for now.
func (a *Applicant) Asks() (Want, bool) { return a.ask.want, a.state == Asking }

// Deadline is when Tick is wanted.
func (a *Applicant) Deadline() (engine.Mono, string) {
	at, k := a.timers.Next()
	return at, [...]string{"AAA reply", "pause before the next AAA request", "renewal of the session", "end of the session"}[k]
}

// Tick does what is due.
func (a *Applicant) Tick(now engine.Now, out *engine.Effects) (facts []Fact) {
	for k, ok := a.timers.Pop(now.Mono); ok; k, ok = a.timers.Pop(now.Mono) {
		switch k {
		case repeat:
			facts = append(facts, a.unanswered(now, out)...)
		case rest:
			a.become(Idle, "rested", out)
			facts = append(facts, Rested{})
		case renew:
			a.session.due = true
			facts = append(facts, Due{})
		case end:
			a.session = session{}
			out.Event("access.ended")
			facts = append(facts, Ended{})
		}
	}
	return facts
}

func (a *Applicant) become(next State, why string, out *engine.Effects) {
	if next == a.state {
		return
	}
	if !slices.Contains(edges[a.state], next) {
		panic(fmt.Sprintf("enrol: %s to %s (%s)", a.state, next, why))
	}
	out.List = append(out.List, engine.Event{Name: engine.EventState, Reason: why,
		Attrs: []engine.Attr{engine.S("machine", "access"), engine.S("from", string(a.state)), engine.S("to", string(next))}})
	a.state = next
}

// View is what an applicant shows.
type View struct {
	State   State       `json:"state"`
	Network string      `json:"network,omitempty"`
	Client  string      `json:"client,omitempty"`
	Tries   int         `json:"tries"`  // of the request that is out
	Result  uint32      `json:"result"` // of the last reply, RFC 6733 §7.1; 0: none yet
	Until   engine.Mono `json:"until_mono"`
}

// View shows the applicant; nil where the network asks nobody.
func (a *Applicant) View() *View {
	if a.ad == nil {
		return nil
	}
	return &View{a.state, a.ad.Network, a.ad.Client.String(), a.ask.tries, uint32(a.result), a.session.until}
}
