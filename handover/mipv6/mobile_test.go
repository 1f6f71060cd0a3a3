package mipv6

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
)

// fake is a core whose accesses the test sets; it notes what the strategy wished.
type fake struct {
	list   []handover.Access
	wishes []string
	answer func(plane.Port) // called by Register
}

func (f *fake) Accesses() []handover.Access { return slices.Clone(f.list) }
func (f *fake) Register(_ engine.Now, port plane.Port, _ *engine.Effects) {
	f.wishes = append(f.wishes, fmt.Sprint("register ", port))
	if f.answer != nil {
		f.answer(port)
	}
}
func (f *fake) Hold(engine.Now, *engine.Effects) { f.wishes = append(f.wishes, "hold") }

func (f *fake) set(port plane.Port, up, found, ready bool) {
	for i := range f.list {
		if f.list[i].Port == port {
			f.list[i].Up, f.list[i].Found, f.list[i].Ready = up, found, ready
			f.list[i].CoA = netip.Addr{}
			if ready {
				f.list[i].CoA = netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", port))
			}
		}
	}
}

// step is one call of the core: what the accesses are by then, the event, and what must follow.
type step struct {
	event string // "up 1", "down 1", "found 1", "ready 1", "confirmed 1", "lost 1", "registered 1", "failed 1"
	one   string // access 1 by then: "-" down, "u" up, "f" router found, "r" ready; "" as before
	two   string
	state state
	wish  []string
}

var walks = map[string][]step{
	"a life on one link": {
		{"up 1", "u", "", detecting, []string{"hold"}},
		{"found 1", "f", "", configuring, []string{"hold"}},
		{"ready 1", "r", "", registering, []string{"register 1"}},
		{"registered 1", "", "", bound, nil},
		{"registered 1", "", "", bound, nil}, // a refresh
		{"down 1", "-", "", disconnected, []string{"hold"}},
		{"up 1", "u", "", detecting, []string{"hold"}},
		{"down 1", "-", "", disconnected, []string{"hold"}},
	},
	"same router": {
		{"up 1", "u", "", detecting, []string{"hold"}},
		{"confirmed 1", "r", "", registering, []string{"register 1"}},
		{"down 1", "-", "", disconnected, []string{"hold"}},
	},
	"cut short": {
		{"up 1", "u", "", detecting, []string{"hold"}},
		{"found 1", "f", "", configuring, []string{"hold"}},
		{"up 1", "u", "", detecting, []string{"hold"}},
		{"found 1", "f", "", configuring, []string{"hold"}},
		{"down 1", "-", "", disconnected, []string{"hold"}},
	},
	"lost while registering": {
		{"up 1", "u", "", detecting, []string{"hold"}},
		{"confirmed 1", "r", "", registering, []string{"register 1"}},
		{"lost 1", "u", "", detecting, []string{"hold"}},
		{"confirmed 1", "r", "", registering, []string{"register 1"}},
		{"lost 1", "f", "", configuring, []string{"hold"}}, // the address, not the router
	},
	"renumbered while registering": {
		{"up 1", "u", "", detecting, []string{"hold"}},
		{"confirmed 1", "r", "", registering, []string{"register 1"}},
		{"found 1", "f", "", configuring, []string{"hold"}},
	},
	"lost while bound": {
		{"up 1", "u", "", detecting, []string{"hold"}},
		{"confirmed 1", "r", "", registering, []string{"register 1"}},
		{"registered 1", "", "", bound, nil},
		{"lost 1", "f", "", configuring, []string{"hold"}},
		{"ready 1", "r", "", registering, []string{"register 1"}},
		{"registered 1", "", "", bound, nil},
		{"up 1", "u", "", detecting, []string{"hold"}},
	},
	"expired": {
		{"up 1", "u", "", detecting, []string{"hold"}},
		{"confirmed 1", "r", "", registering, []string{"register 1"}},
		{"failed 1", "", "", registering, nil}, // nothing else to try: the core goes on
		{"registered 1", "", "", bound, nil},
		{"failed 1", "", "", registering, nil},
	},
	"two links": {
		{"up 2", "", "u", detecting, []string{"hold"}},
		{"up 1", "u", "", detecting, nil},
		{"found 2", "", "f", configuring, []string{"hold"}},
		{"found 1", "f", "", configuring, []string{"hold"}}, // preferred
		{"ready 2", "", "r", registering, []string{"register 2"}},
		{"ready 1", "r", "", registering, []string{"register 1"}},
		{"registered 2", "", "", registering, nil}, // too late
		{"registered 1", "", "", bound, nil},
		{"down 2", "", "-", bound, nil},
		{"up 2", "", "u", bound, nil},
		{"found 2", "", "f", bound, nil},
		{"ready 2", "", "r", bound, nil},
		{"down 1", "-", "", registering, []string{"register 2"}},
		{"registered 2", "", "", bound, nil},
		{"up 1", "u", "", bound, nil},
		{"found 1", "f", "", bound, nil}, // make before break: not before its address is ready
		{"lost 1", "u", "", bound, nil},
		{"ready 1", "r", "", registering, []string{"register 1"}},
		{"failed 1", "", "", registering, []string{"register 2"}},
		{"failed 2", "", "", registering, []string{"register 1"}},
		{"failed 2", "", "", registering, nil}, // not in use any more
		{"registered 1", "", "", bound, nil},
		{"up 1", "u", "", registering, []string{"register 2"}}, // attached elsewhere
		{"confirmed 1", "r", "", registering, []string{"register 1"}},
		{"lost 1", "u", "", registering, []string{"register 2"}},
		{"lost 2", "", "u", detecting, []string{"hold"}},
	},
}

// Every walk, and every edge of the table by one of them.
//
// spec RT-11 RT-04
func TestWalks(t *testing.T) {
	walked := map[[2]state]bool{}
	for name, walk := range walks {
		t.Run(name, func(t *testing.T) {
			f := &fake{list: []handover.Access{{Port: 1, Preference: 1}, {Port: 2, Preference: 2}}}
			m := NewMobile(f)
			for i, s := range walk {
				before := m.state
				f.change(1, s.one)
				f.change(2, s.two)
				f.wishes = nil
				effects := m.tell(s.event)
				if m.state != s.state || !slices.Equal(f.wishes, s.wish) {
					t.Fatalf("step %d, %s: %s, %q; want %s, %q", i, s.event, m.state, f.wishes, s.state, s.wish)
				}
				for _, e := range effects {
					if ev := e.(engine.Event); ev.Name == engine.EventState {
						walked[[2]state{state(ev.Get("from")), state(ev.Get("to"))}] = true
					}
				}
				if before != m.state && !slices.ContainsFunc(effects, func(e engine.Effect) bool { return e.(engine.Event).Name == engine.EventStep }) {
					t.Errorf("step %d, %s: %s to %s without a step in the timeline", i, s.event, before, m.state)
				}
			}
		})
	}
	for from, list := range edges {
		for _, to := range list {
			if !walked[[2]state{from, to}] {
				t.Errorf("no walk goes from %s to %s", from, to)
			}
		}
	}
}

// A state change that the table does not have is a mistake of ours.
func TestNoEdge(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an edge that is not there was walked")
		}
	}()
	m := NewMobile(&fake{})
	m.become(bound, "nothing", &engine.Effects{})
}

func (f *fake) change(port plane.Port, how string) {
	switch how {
	case "-":
		f.set(port, false, false, false)
	case "u":
		f.set(port, true, false, false)
	case "f":
		f.set(port, true, true, false)
	case "r":
		f.set(port, true, true, true)
	}
}

func (m *Mobile) tell(event string) []engine.Effect {
	var what string
	var port plane.Port
	fmt.Sscan(event, &what, &port)
	var out engine.Effects
	var now engine.Now
	switch what {
	case "up":
		m.LinkUp(now, port, &out)
	case "down":
		m.LinkDown(now, port, &out)
	case "found":
		m.RouterFound(now, port, &out)
	case "ready":
		m.AddressReady(now, port, &out)
	case "confirmed":
		m.RouterConfirmed(now, port, &out)
	case "lost":
		m.AccessLost(now, port, "router gone", &out)
	case "registered":
		m.Registered(now, port, &out)
	case "failed":
		m.RegistrationFailed(now, port, "no answer", &out)
	}
	return out.List
}
