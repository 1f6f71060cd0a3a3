package ha

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/mip6aaa"
)

const (
	user    = "mn7@home.example"
	visited = "visited.example"
	mnSPI   = 0x7007
)

var fixedHome = netip.MustParseAddr("2001:db8:0:1::777")

// roamer is a mobile node that AAA sends, with AAA beside it: what the two and the agent agree about.
type roamer struct {
	b       *bench
	nai     string
	random  byte // of the session key
	spi     uint32
	private aaa.Private // with Diffie-Hellman
	dh      bool
	seq     uint16
	hoa     netip.Addr
	end     *sa.SA // nil before the first answer
}

// virtual is a bench whose home link has no host on it, so that nothing waits for duplicate detection.
func virtual(cfg *Config) { cfg.Port, cfg.Advertise.Port = plane.Kernel, plane.Kernel }

// newRoamer is a mobile node with a NAI alone.
func newRoamer(b *bench) *roamer { return &roamer{b: b, nai: user, random: 1, spi: mnSPI} }

// vouched makes the Binding Update of a server: from coa, for a home address or none.
func vouched(from, home netip.Addr, u *mh.BindingUpdate) []byte {
	if !home.IsValid() {
		home = netip.IPv6Unspecified()
	}
	p := ip6.Packet{Header: ip6.Header{Src: from, Dst: haAddr}, HomeAddress: home, Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, home, haAddr, u)
	return p.Append(nil)
}

// hor is what AAA asks for it, with new keys.
func (r *roamer) hor(from netip.Addr) *mip6aaa.HOR {
	h := &mip6aaa.HOR{
		Route: mip6aaa.Route{Session: "s;1", OriginHost: "aaa.home.example", OriginRealm: "home.example", DestinationRealm: "home.example"},
		User:  r.nai, Visited: visited, CareOf: from, Lifetime: time.Hour, Agent: haAddr,
		Binding: vouched(from, r.hoa, bu(0, 5*time.Minute)),
		Peer:    []mip6aaa.PeerKey{{Use: access.HomeAgent, MNSPI: r.spi, Lifetime: time.Hour, Algorithm: access.AESGCM}},
	}
	k := &h.Peer[0]
	if !r.dh {
		k.Method, k.Material = access.Random, bytes.Repeat([]byte{r.random}, aaa.KeyLen)
		return h
	}
	r.private, _ = aaa.NewPrivate(bytes.Repeat([]byte{r.random}, aaa.PublicLen))
	k.Method, k.Public = access.DiffieHellman, r.private.Public()
	return h
}

// ask hands a HOR to the agent.
func (b *bench) ask(h *mip6aaa.HOR) (*errand, []engine.Effect) {
	e := &errand{hor: h}
	return e, b.run(func() { b.a.assign(b.now, e, &b.out) })
}

// learn has the mobile node make its keys of what the answer says.
func (r *roamer) learn(t testing.TB, e *errand) {
	t.Helper()
	if e.answer.Code != diameter.Success || len(e.answer.Peer) != 1 {
		t.Fatalf("answer %+v", e.answer)
	}
	r.hoa = e.answer.Home
	told, id := e.answer.Peer[0], aaa.Identity(r.nai, r.hoa)
	session, err := aaa.NewSession(bytes.Repeat([]byte{r.random}, aaa.KeyLen))
	if r.dh {
		session, err = r.private.Session(aaa.Parties{Use: aaa.HomeAgent, Mobile: id, Visited: visited, MobilePublic: r.private.Public(), PeerPublic: told.Public})
	}
	if err != nil || told.MNSPI != r.spi || told.PeerSPI < sa.MinSPI || told.Lifetime != time.Hour || told.Material != nil {
		t.Fatalf("keys %+v: %v", told, err)
	}
	toPeer, toMobile := session.ESP(aaa.HomeAgent, id, haAddr.String(), told.PeerSPI, r.spi)
	if r.end, err = sa.New(sa.Config{ESP: &sa.ESPConfig{OutSPI: told.PeerSPI, InSPI: r.spi, OutKey: toPeer, InKey: toMobile}}, "ha"); err != nil {
		t.Fatal(err)
	}
}

// acked reads the acknowledgement of an answer.
func (r *roamer) acked(t testing.TB, e *errand, end *sa.SA) (*mh.BindingAck, ip6.Packet) {
	t.Helper()
	p, err := ip6.Parse(e.answer.Binding)
	if err != nil || p.Src != haAddr || p.Dst != e.hor.CareOf {
		t.Fatalf("acknowledgement %x: %+v, %v", e.answer.Binding, p, err)
	}
	if end == nil {
		m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
		if err != nil || p.Proto != ip6.ProtoMH {
			t.Fatalf("plain acknowledgement: %v", err)
		}
		return m.(*mh.BindingAck), p
	}
	got, reason := end.Receive(r.b.now, &p)
	if reason != "" {
		t.Fatalf("protected acknowledgement: %s", reason)
	}
	return got.MH.(*mh.BindingAck), p
}

// own makes the node's own update under its keys.
func (r *roamer) own(u *mh.BindingUpdate, from netip.Addr) []byte {
	var scratch engine.Effects
	if u.Lifetime > 0 {
		u.Options.AltCareOf = from
	}
	return r.end.Protect(r.b.now, ip6.Packet{Header: ip6.Header{Src: from, Dst: haAddr}, HomeAddress: r.hoa}, u, &scratch)
}

// status delivers an update of the node and reads the answer; false if there is none it can read.
func (r *roamer) status(t testing.TB, data []byte) (mh.Status, bool, []engine.Effect) {
	t.Helper()
	effects := r.b.deliver(data)
	for _, p := range r.b.packets(effects, plane.Kernel) {
		if got, reason := r.end.Receive(r.b.now, &p); reason == "" {
			if ba, ok := got.MH.(*mh.BindingAck); ok {
				return ba.Status, true, effects
			}
		}
	}
	return 0, false, effects
}

// enter has AAA bring the node, and waits for duplicate detection.
func (r *roamer) enter(t testing.TB, from netip.Addr) []engine.Effect {
	t.Helper()
	e, effects := r.b.ask(r.hor(from))
	if !e.done {
		effects = append(effects, r.b.pass(1100*time.Millisecond)...)
	}
	r.learn(t, e)
	return effects
}

func bare(p ip6.Packet) []byte { return p.Append(nil) }
