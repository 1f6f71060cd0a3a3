package node_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/role/ha"
	"roam6/scenario"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/mip6aaa"
)

// partner is an AAA server that does all that it should, and sends HORs of its own besides.
type partner struct {
	engine.Engine
	to   string        // the Diameter identity of the server that it sends them to
	at   []engine.Mono // when to
	hor  func(k int) *mip6aaa.HOR
	conn engine.Conn // to that server
	done int

	results map[uint32]diameter.ResultCode // of its own HORs, by their number
}

// firstOwn is the identifier of the first HOR of a partner's own, far from those that the server under it counts.
const firstOwn = 0xbad00000

func (e *partner) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	if s, ok := in.(engine.Stream); ok {
		if bytes.Contains(s.Data, []byte(e.to)) && binary.BigEndian.Uint32(s.Data[4:])&0xffffff == diameter.CapabilitiesExchange {
			e.conn = s.Conn
		}
		for rest := s.Data; len(rest) > 0; {
			raw, next, err := diameter.Next(rest, 0)
			if err != nil || raw == nil {
				break
			}
			rest = next
			if m, err := diameter.Parse(raw); err == nil && m.HopByHop&^0xff == firstOwn {
				if hoa, err := mip6aaa.ParseHOA(m); err == nil {
					e.results[m.HopByHop-firstOwn] = hoa.Code
				}
			}
		}
	}
	e.Engine.Handle(now, in, out)
	for e.done < len(e.at) && e.at[e.done] <= now.Mono {
		raw := e.hor(e.done).Octets(new(diameter.Builder))
		binary.BigEndian.PutUint32(raw[12:], firstOwn+uint32(e.done))
		binary.BigEndian.PutUint32(raw[16:], firstOwn+uint32(e.done))
		out.Write(e.conn, raw)
		e.done++
	}
}

func (e *partner) Deadline() (engine.Mono, string) {
	at, why := e.Engine.Deadline()
	if e.done < len(e.at) && e.at[e.done] < at {
		return e.at[e.done], "a HOR of its own"
	}
	return at, why
}

// guestOf is what a home agent says of a user.
func (w *trouble) guestOf(agent, nai string) (g ha.GuestView) {
	w.t.Helper()
	for _, g := range w.engines[agent].View().(ha.View).Guests {
		if g.NAI == nai {
			return g
		}
	}
	w.t.Fatalf("%s has no guest %s", agent, nai)
	return g
}

// unmoved says that a home agent has the three users that it had, one of them as before, and nobody at an address.
func (w *trouble) unmoved(agent string, before ha.GuestView, careOf netip.Addr) {
	w.t.Helper()
	if after := w.guestOf(agent, before.NAI); after.HomeAddress != before.HomeAddress || !after.Bound || after.Ends != before.Ends {
		w.t.Errorf("the binding was %+v, is %+v", before, after)
	}
	v := w.engines[agent].View().(ha.View)
	if len(v.Guests) != 3 {
		w.t.Errorf("%d guests", len(v.Guests))
	}
	for _, b := range v.Bindings {
		if b.CareOf == careOf.String() {
			w.t.Errorf("bound by the forger: %+v", b)
		}
	}
}

// forgedHOR asks for all that there is, from a care-of address that nobody has.
func forgedHOR(k int, careOf, agent, home netip.Addr) *mip6aaa.HOR {
	p := ip6.Packet{Header: ip6.Header{Src: careOf, Dst: agent}, HomeAddress: home, Proto: ip6.ProtoMH,
		Payload: mh.Append(nil, home, agent, &mh.BindingUpdate{Seq: 60000 + uint16(k), Ack: true, Home: true, Lifetime: time.Hour})}
	return &mip6aaa.HOR{
		Route:   mip6aaa.Route{Session: fmt.Sprint("forged;", k)},
		Visited: "a.example", CareOf: careOf, Lifetime: time.Hour, Features: access.HomeAgentRequested, Binding: p.Append(nil), Home: home, Agent: agent,
		Peer: []mip6aaa.PeerKey{{Use: access.HomeAgent, Method: access.Random, MNSPI: 7000, Material: bytes.Repeat([]byte{1}, 32), Lifetime: time.Hour, Algorithm: access.AESGCM}},
	}
}

// A partner asks for what is not its to ask for: the home agent of another domain, a user of another realm, an address that is another
// user's or the home agent's own. Each time it is told why not, by who finds out; nobody is bound by it, and the binding that was there stays
// with its traffic.
//
// spec DM-14 DM-16
func TestForgedHOR(t *testing.T) {
	const at, end = 12 * time.Second, 20 * time.Second
	const user, eve = "mn@home.example", "eve@home.example"
	careOf := netip.MustParseAddr("2001:db8:bad::1")
	visited := netip.MustParseAddr("2001:db8:b:f::a")
	for _, c := range []struct {
		name, start, agent string // where mobile nodes begin, and whose home agent they have
		from, to, realm    string // from one AAA server to another, and its realm
		host               string // Destination-Host; empty: that server
		user               string
		of                 netip.Addr // the home agent that it asks for
		home               func(bound netip.Addr) netip.Addr
		found, reason      string
		result             diameter.ResultCode
	}{
		{"address of another user", "ar3", "visited", "aaah", "aaav.b.example", "b.example", "", eve, visited,
			func(bound netip.Addr) netip.Addr { return bound }, "ha-b", "hor-address-taken", diameter.ErrorNoHomeAgent},
		{"address of the home agent", "ar3", "visited", "aaah", "aaav.b.example", "b.example", "", eve, visited,
			func(netip.Addr) netip.Addr { return visited }, "ha-b", "hor-home-address", diameter.ErrorNoHomeAgent},
		{"home agent of another domain", "ar3", "visited", "aaah", "aaav.b.example", "b.example", "", eve, scenario.HomeAgent,
			func(bound netip.Addr) netip.Addr { return bound }, "aaav-b", "home-agent-not-allowed", diameter.ErrorHomeAgentNotAllowed},
		{"user of another realm", "ar3", "visited", "aaah", "aaav.b.example", "b.example", "", "eve@elsewhere.example", visited,
			func(bound netip.Addr) netip.Addr { return bound }, "aaav-b", "hor-user-of-another-realm", diameter.AuthorizationRejected},
		{"home agent behind the home server", "ar1", "home", "aaav-a", "aaah.home.example", "home.example", "ha.home.example", user, scenario.HomeAgent,
			func(bound netip.Addr) netip.Addr { return bound }, "aaah", "diameter-not-delivered", diameter.UnableToDeliver},
		{"home agent of the home server", "ar1", "home", "aaav-a", "aaah.home.example", "home.example", "", user, scenario.HomeAgent,
			func(bound netip.Addr) netip.Addr { return bound }, "aaah", "command-unsupported", diameter.CommandUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := inTroubleFrom(t, c.start, c.agent, end, "[]")
			agent := "ha"
			if c.agent == "visited" {
				agent = "ha-b"
			}
			var forger *partner
			var before ha.GuestView
			w.wrap = func(node string, e engine.Engine) engine.Engine {
				if node != c.from {
					return e
				}
				forger = &partner{Engine: e, to: c.to, at: []engine.Mono{engine.Mono(at), engine.Mono(at + time.Second)}, results: map[uint32]diameter.ResultCode{}}
				forger.hor = func(k int) *mip6aaa.HOR {
					before = w.guestOf(agent, user)
					h := forgedHOR(k, careOf, c.of, c.home(netip.MustParseAddr(before.HomeAddress)))
					h.User, h.DestinationRealm, h.DestinationHost = c.user, c.realm, c.host
					h.OriginHost, h.OriginRealm = w.node(c.from).Identity, strings.TrimPrefix(strings.TrimPrefix(w.node(c.from).Identity, "aaah."), "aaav.")
					return h
				}
				return forger
			}
			w.run()
			w.must(c.found, c.reason, at, always)
			for k := range uint32(2) {
				if got := forger.results[k]; got != c.result {
					t.Errorf("answer %d: %v, want %v\n%s", k, got, c.result, w.heard(c.found, at, always))
				}
			}
			w.unmoved(agent, before, careOf)
			for _, m := range []string{"mn", "mn2", "mn3"} {
				if q := w.quiet(m, at-time.Second, end-time.Second); q > 100*time.Millisecond {
					t.Errorf("%s: nothing for %v", m, q)
				}
			}
		})
	}
}
