// Package advertise is the router's half of router discovery on one link: RFC 4861 §6.2 with the shorter intervals and
// the extensions of RFC 6275 §7, and what an AAA client says to mobile nodes. Access routers advertise with it; a home agent
// advertises its home link.
package advertise

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// Protocol constants.
const (
	// MinInterval is the shortest MinRtrAdvInterval RFC 6275 §7.5 allows.
	MinInterval = 30 * time.Millisecond
	// DefaultIntervalMin and DefaultIntervalMax are the limits RFC 6275 §7.5 gives for routers that serve mobile nodes.
	DefaultIntervalMin = 30 * time.Millisecond
	DefaultIntervalMax = 70 * time.Millisecond
	// MaxDelay is MAX_RA_DELAY_TIME, RFC 4861 §10: the answer to a solicitation waits a random time up to it.
	MaxDelay = 500 * time.Millisecond
	// MinDelay is the least time between two multicast advertisements: MinDelayBetweenRAs, RFC 6275 §13. Its default there
	// is 3 s and its least value this; a router for mobile nodes takes it so that an arrival never waits 3 s for an answer.
	MinDelay = 30 * time.Millisecond
	// The first InitialCount intervals are at most InitialInterval, so that hosts that were there first find a new router
	// soon: MAX_INITIAL_RTR_ADVERTISEMENTS and MAX_INITIAL_RTR_ADVERT_INTERVAL, RFC 4861 §10.
	InitialCount    = 3
	InitialInterval = 16 * time.Second
	// MaxBehind is how late a tick may be that keeps to the plan of advertisements; after more the plan begins anew.
	MaxBehind = 10 * time.Second
	// DefaultLifetime is AdvDefaultLifetime for a MaxRtrAdvInterval under 600 s, RFC 4861 §6.2.1.
	DefaultLifetime = 1800 * time.Second
	// DefaultValid and DefaultPreferred are AdvValidLifetime and AdvPreferredLifetime, RFC 4861 §6.2.1.
	DefaultValid     = 30 * 24 * time.Hour
	DefaultPreferred = 7 * 24 * time.Hour
)

// Config is what a router advertises on one link.
type Config struct {
	Port                     plane.Port
	Prefix                   netip.Prefix  // for autoconfiguration; its advertisement carries Address (R bit, RFC 6275 §7.2)
	Address                  netip.Addr    // the router's global address
	IntervalMin, IntervalMax time.Duration // between unsolicited advertisements
	Lifetime                 time.Duration // as default router; 0: not one
	DelayMax                 time.Duration // before the answer to a solicitation; RFC 4861 says 500 ms
	Valid, Preferred         time.Duration // of the prefix
	HomeAgent                *nd.HomeAgentInfo
	// Access gives what mobile nodes must know to be let in, as it is when an advertisement is made; nil, or a nil result: nothing.
	Access func() *nd.Access
	// Handover gives what advertisements say to nodes that hand over by the drafts, as Access does.
	Handover func() *subopt.Handover
}

// Advertiser sends the advertisements of one link.
type Advertiser struct {
	cfg    Config
	rand   *engine.Rand
	hw     plane.HW
	mtu    int
	up     bool
	timers engine.Timers[what]
	sent   uint64
	last   engine.Mono // when the latest went out
	grid   engine.Mono // when the next unsolicited one is due, were no tick ever late
	early  int         // how many went out since the link came up
}

type what uint8

const (
	unsolicited what = iota
	solicited
)

// New makes an advertiser; it is silent until the link is up.
func New(cfg Config, rand *engine.Rand) *Advertiser { return &Advertiser{cfg: cfg, rand: rand} }

// Up starts advertising: the first one goes out at once.
func (a *Advertiser) Up(now engine.Now, in engine.LinkUp, out *engine.Effects) {
	if in.Port != a.cfg.Port {
		return
	}
	a.up, a.hw, a.mtu, a.early = true, in.HW, in.MTU, 0
	a.grid = a.soonest(now)
	a.timers.Set(unsolicited, a.grid)
}

// Down stops advertising.
func (a *Advertiser) Down(in engine.LinkDown) {
	if in.Port == a.cfg.Port {
		a.up = false
		a.timers = engine.Timers[what]{}
	}
}

// soonest is when the next advertisement may go out: however many solicit, the link is not flooded (RFC 4861 §6.2.6).
func (a *Advertiser) soonest(now engine.Now) engine.Mono {
	if a.sent == 0 {
		return now.Mono
	}
	return max(now.Mono, a.last.Add(MinDelay))
}

// Heard takes a router solicitation. The answer is multicast and waits a random time (RFC 4861 §6.2.6), unless the
// next advertisement would go out before it anyway.
//
// spec MIP-07
func (a *Advertiser) Heard(now engine.Now, port plane.Port) {
	if port != a.cfg.Port || !a.up {
		return
	}
	at := max(now.Mono.Add(a.rand.Between(0, a.cfg.DelayMax)), a.soonest(now))
	if next, ok := a.timers.Armed(unsolicited); ok && next <= at {
		return
	}
	if already, ok := a.timers.Armed(solicited); ok && already <= at {
		return
	}
	a.timers.Set(solicited, at)
}

// Deadline is when the next advertisement is due.
func (a *Advertiser) Deadline() (engine.Mono, string) {
	at, _ := a.timers.Next()
	return at, "router advertisement"
}

// Tick sends what is due. The intervals are counted from when an advertisement was due, not from when a late tick sent it: the
// times then follow from the seed, in a laboratory nearly as in a simulation.
func (a *Advertiser) Tick(now engine.Now, out *engine.Effects) {
	due, first := a.timers.Next()
	if due > now.Mono {
		return
	}
	if first == unsolicited {
		due = a.grid
	}
	a.timers.Stop(solicited)
	a.plan(now, due)
	a.last = now.Mono
	a.send(out)
}

// plan draws when the next unsolicited advertisement is due after one that was due then. What should have gone out meanwhile
// is left out.
func (a *Advertiser) plan(now engine.Now, due engine.Mono) {
	if now.Mono.Sub(due) > MaxBehind {
		due = now.Mono
	}
	for a.grid = due; a.grid <= now.Mono; {
		next := a.rand.Between(a.cfg.IntervalMin, a.cfg.IntervalMax)
		if a.early < InitialCount {
			a.early++
			next = min(next, InitialInterval)
		}
		a.grid = a.grid.Add(next)
	}
	a.timers.Set(unsolicited, max(a.grid, now.Mono.Add(min(a.cfg.IntervalMin, InitialInterval))))
}

// Message is what the advertisements say.
func (a *Advertiser) Message() *nd.RouterAdvertisement {
	ra := &nd.RouterAdvertisement{
		HopLimit: ip6.DefaultHopLimit, HomeAgent: a.cfg.HomeAgent != nil, Lifetime: a.cfg.Lifetime,
		Options: nd.Options{
			SourceHW: a.hw, MTU: uint32(a.mtu), AdvInterval: a.cfg.IntervalMax, HomeAgent: a.cfg.HomeAgent,
			Prefixes: []nd.Prefix{{
				Prefix: a.cfg.Prefix, Addr: a.cfg.Address, RouterAddr: a.cfg.Address.IsValid(),
				OnLink: true, Autonomous: true, Valid: a.cfg.Valid, Preferred: a.cfg.Preferred,
			}},
		},
	}
	if a.cfg.Access != nil {
		ra.Options.Access = a.cfg.Access()
	}
	if a.cfg.Handover != nil {
		ra.Options.Handover = a.cfg.Handover()
	}
	return ra
}

func (a *Advertiser) send(out *engine.Effects) {
	a.sent++
	src, dst, ra := ip6.LinkLocal(a.hw), ip6.AllNodes, a.Message()
	p := ip6.Packet{
		Header:  ip6.Header{HopLimit: 255, Src: src, Dst: dst},
		Proto:   ip6.ProtoICMPv6,
		Payload: nd.Append(nil, src, dst, ra),
	}
	out.Send(a.cfg.Port, ip6.MulticastHW(dst), p.Append(nil))
}

// Sent is the number of advertisements so far.
func (a *Advertiser) Sent() uint64 { return a.sent }
