package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"roam6/driver"
	"roam6/keying/aaa"
	"roam6/machine/peers"
	server "roam6/role/aaa"
	"roam6/store/subscriber"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// certified writes the certificate of an authority, ca.pem, and below it one for each name.
func certified(t *testing.T, dir string, names ...string) {
	t.Helper()
	ca, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", ca.cert.Raw)
	for _, name := range names {
		certifyBy(t, ca, filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"), name)
	}
}

// exchange is everything: our AAA client, freeDiameter, our home server with its database, our home agent.
type exchange struct {
	t                  *testing.T
	relay              *freeDiameter
	client, home, away *tape
	asks               *driver.Node
	db                 *subscriber.DB
	drawn              byte
}

func newExchange(t *testing.T, secure bool) *exchange {
	t.Helper()
	dir := t.TempDir()
	port, home, agents := freePort(t), freePort(t), freePort(t)
	if secure {
		certified(t, dir, fdClient, aaaRelay, fdHome)
	}
	x := &exchange{t: t, relay: newFreeDiameter(t, dir, port, home, secure)}
	x.home, x.db = fdHomeServer(t, dir, home, agents, secure)
	x.away = fdHomeAgent(t, agents)
	x.relay.start()
	x.client, x.asks = fdAccess(t, dir, port, secure)
	return x
}

// ask sends a request and gives its answer.
func (x *exchange) ask(raw []byte) diameter.Message {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), fdPatience)
	defer cancel()
	r, err := x.asks.Command(ctx, "ar", "ask", map[string]string{"raw": string(raw)})
	if err != nil || r.Err != "" {
		x.t.Fatal(err, r.Err)
	}
	m, err := diameter.Parse(r.Data)
	if err != nil {
		x.t.Fatal(err)
	}
	return m
}

// open waits until everybody is connected. The home server has its connection with the relay when it has sent its CEA; the relay, which
// dialled, not before it has read that. Until then it answers requests itself, with 3002; only from it can be learnt when it does not any more.
func (x *exchange) open() {
	x.t.Helper()
	until(x.t, "the client's connection", func() bool { return opened(x.client, aaaRelay) })
	until(x.t, "the home server's connections", func() bool { return opened(x.home, aaaRelay) && opened(x.home, fdAgent) })
	until(x.t, "the relay's connection with the home server", x.reaches)
}

// reaches says whether the home server answers a request by way of the relay: one that no other step of the test counts, and which it refuses.
func (x *exchange) reaches() bool {
	x.t.Helper()
	var b diameter.Builder
	m := x.ask(b.Request(diameter.SessionTermination, diameter.AppMobileIPv6AAA, diameter.Proxiable).
		Text(diameter.SessionID, fdClient+";0;0").Text(diameter.OriginHost, fdClient).Text(diameter.OriginRealm, fdNetwork).Text(diameter.DestinationRealm, aaaRealm).
		Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA).Uint32(diameter.TerminationCause, diameter.TerminationCauseLogout).Done())
	from, ok := m.Find(diameter.OriginHost)
	return ok && from.IsIdentity(fdHome)
}

// opened says whether requests of a node go to a peer.
func opened(e *tape, host string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	v := e.View()
	if of, ok := v.(server.View); ok {
		v = of.Diameter
	}
	return slices.ContainsFunc(v.(peers.View).Peers, func(p peers.PeerView) bool {
		return p.Host == host && p.Watch == peers.Okay && (p.State == peers.IOpen || p.State == peers.ROpen)
	})
}

// register asks for a home agent, a home address and a key for the two, and checks that the answer is the home's.
func (x *exchange) register() *mip6aaa.ARA {
	x.t.Helper()
	x.drawn++
	careOf := netip.MustParseAddr("2001:db8:a:1::c0a")
	r := access.Request{NAI: fdUser, CareOf: careOf, LocalChallenge: make([]byte, 16), HostChallenge: bytes.Repeat([]byte{x.drawn}, 16),
		Features: access.HomeAddressRequested | access.HomeAgentRequested, Keys: []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random, SPI: 5000}}}
	key, err := aaa.NewKey(fdSecret, aaa.Identity(fdUser, netip.Addr{}), fdNetwork)
	if err != nil {
		x.t.Fatal(err)
	}
	about := aaa.Exchange{HostChallenge: r.HostChallenge, LocalChallenge: r.LocalChallenge, CareOf: careOf, Request: r.Covered()}
	r.Auth = key.Answer(about)
	var b diameter.Builder
	m := x.ask(mip6aaa.FromRequest(&r, fdNetwork, x.route()).Octets(&b))
	a, err := mip6aaa.ParseARA(m)
	if err != nil {
		x.t.Fatal(err)
	}
	if a.Code != diameter.Success || a.Agent != fdAgentAt || !fdLink.Contains(a.Home) || len(a.Keys) != 1 || a.OriginHost != fdHome {
		x.t.Fatalf("%v (%s) %+v", a.Code, a.Message, a)
	}
	if !key.VerifyGreeting(about, a.Reply().Covered(), a.Auth) {
		x.t.Error("the network has not proven itself")
	}
	return a
}

func (x *exchange) route() mip6aaa.Route {
	return mip6aaa.Route{Session: fdClient + ";1;" + string('0'+rune(x.drawn)), OriginHost: fdClient, OriginRealm: fdNetwork, DestinationRealm: aaaRealm}
}

// TestFreeDiameter has our AAA client and our home AAA server, with its subscribers in SQLite and a home agent, speak by way of a relay
// that is not ours, over TCP and over TLS.
func TestFreeDiameter(t *testing.T) { //spec DM-01 DM-02 DM-14 DM-22 DM-23
	for name, secure := range map[string]bool{"TCP": false, "TLS": true} { //order:any
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newExchange(t, secure)
			x.open()
			x.register()
			x.throughRelay()
			x.account()
			x.watched()
			x.comesBack()
			x.takesLeave()
			judged(t, x.client, x.home, x.away)
		})
	}
}

// throughRelay checks that the request came to the home with the marks of a relay: who it came from, and nothing else changed.
func (x *exchange) throughRelay() {
	x.t.Helper()
	sent, came := x.client.messages(true, true, diameter.AARegistration), x.home.messages(false, true, diameter.AARegistration)
	if len(sent) != 1 || len(came) != 1 {
		x.t.Fatalf("%d requests sent, %d came", len(sent), len(came))
	}
	recorded, ok := came[0].Find(diameter.RouteRecord)
	if !ok || !recorded.IsIdentity(fdClient) || sent[0].EndToEnd != came[0].EndToEnd {
		x.t.Errorf("Route-Record %q, end-to-end %x, sent with %x", recorded.Data, came[0].EndToEnd, sent[0].EndToEnd)
	}
	var here, there [][]byte
	for a := range sent[0].All() {
		here = append(here, a.Data)
	}
	for a := range came[0].All() {
		if a.Key != diameter.RouteRecord {
			there = append(there, a.Data)
		}
	}
	if len(here) != len(there) || !bytes.Equal(bytes.Join(here, nil), bytes.Join(there, nil)) {
		x.t.Errorf("%d AVPs were sent, others came: %d", len(here), len(there))
	}
	for _, e := range []*tape{x.client, x.home} { // capabilities are exchanged, whoever dialled
		if len(e.messages(true, true, diameter.CapabilitiesExchange))+len(e.messages(false, true, diameter.CapabilitiesExchange)) == 0 {
			x.t.Error("no CER")
		}
	}
}

// account sends a record, which is in the database before it is acknowledged.
func (x *exchange) account() {
	x.t.Helper()
	r := mip6aaa.ACR{Route: x.route(), User: fdUser, Kind: mip6aaa.Start, At: time.Unix(1.8e9, 0).UTC(), OctetsUp: 1 << 40, PacketsDown: 4}
	var b diameter.Builder
	a, err := mip6aaa.ParseACA(x.ask(r.Octets(&b)))
	if err != nil || a.Code != diameter.Success {
		x.t.Fatal(a, err)
	}
	var kept []subscriber.Record
	err = x.db.Records(x.t.Context(), subscriber.Span{}, func(r *subscriber.Record) error {
		kept = append(kept, *r)
		return nil
	})
	if err != nil || len(kept) != 1 || kept[0].OctetsUp != 1<<40 || kept[0].Name != fdUser {
		x.t.Errorf("%+v, %v", kept, err)
	}
}

// watched waits until freeDiameter has asked one of us whether it lives, and was answered. Both ends of an idle connection ask after about 6 s,
// and who is asked has heard something and waits anew: which of them asks is chance, time after time.
func (x *exchange) watched() {
	x.t.Helper()
	asked := func(e *tape) bool {
		return len(e.messages(false, true, diameter.DeviceWatchdog)) > 0 && len(e.messages(true, false, diameter.DeviceWatchdog)) > 0
	}
	untilIn(x.t, fdWatched, "freeDiameter's DWR and our DWA", func() bool { return asked(x.client) || asked(x.home) })
}

// comesBack kills the relay and starts it again. Before requests go by it, it has answered our watchdog three times (RFC 3539 §3.4.1).
func (x *exchange) comesBack() {
	x.t.Helper()
	before := len(x.client.messages(false, false, diameter.DeviceWatchdog))
	x.relay.end(syscall.SIGKILL)
	until(x.t, "the client notes the relay's end", func() bool { return !opened(x.client, aaaRelay) })
	x.relay.start()
	until(x.t, "the relay is back for the client", func() bool { return opened(x.client, aaaRelay) })
	until(x.t, "the relay is back for the home server", func() bool { return opened(x.home, aaaRelay) })
	if n := len(x.client.messages(false, false, diameter.DeviceWatchdog)) - before; n < peers.ReopenAnswer {
		x.t.Errorf("%d DWAs of freeDiameter since its return", n)
	}
	x.register()
}

// takesLeave ends the client's connection from our side, and the home server's from freeDiameter's, both by DPR and DPA. Before the first, a
// watchdog's message has come: freeDiameter writes answers that it relays, and its own messages to a peer, from two threads into one session
// of TLS, so that a DPA right behind an ARA is now and then a record that nobody can decrypt.
func (x *exchange) takesLeave() {
	x.t.Helper()
	alive := func() int {
		return len(x.client.messages(false, true, diameter.DeviceWatchdog)) + len(x.client.messages(false, false, diameter.DeviceWatchdog))
	}
	before := alive()
	untilIn(x.t, fdWatched, "the relay is at rest, and a watchdog asks", func() bool { return alive() > before })
	if _, err := x.asks.Command(x.t.Context(), "ar", "leave", nil); err != nil {
		x.t.Fatal(err)
	}
	until(x.t, "our DPR and freeDiameter's DPA", func() bool {
		return len(x.client.messages(true, true, diameter.DisconnectPeer)) == 1 && len(x.client.messages(false, false, diameter.DisconnectPeer)) == 1
	})
	x.relay.end(syscall.SIGTERM)
	until(x.t, "freeDiameter's DPR and our DPA", func() bool {
		return len(x.home.messages(false, true, diameter.DisconnectPeer)) == 1 && len(x.home.messages(true, false, diameter.DisconnectPeer)) == 1
	})
	until(x.t, "the home server's connection has ended", func() bool { return !opened(x.home, aaaRelay) })
}

// TestFreeDiameterDictionary: the dictionary for freeDiameter names each AVP once, as wire/diameter has it, and its rules use no name that
// neither it nor RFC 6733 and RFC 4072 have. Nothing in Debian loads it.
func TestFreeDiameterDictionary(t *testing.T) { //spec DM-03
	type avp struct {
		Code, Vendor uint32
		Name, Type   string
		AVP          string
	}
	var d struct {
		AVPs, Applications, Commands []avp
		AVPRules, CommandRules       []struct {
			AVP, Command string
			Content      []avp
		}
	}
	text, err := os.ReadFile("../../docs/diameter/freediameter.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	known := map[string]uint32{}
	for code := range uint32(1 << 10) { // those of the RFCs
		if x, ok := diameter.Lookup(diameter.Key{Code: code}); ok {
			known[x.Name] = 0
		}
	}
	for _, a := range d.AVPs {
		x, ok := diameter.Lookup(diameter.Key{Code: a.Code, Vendor: a.Vendor})
		if _, twice := known[a.Name]; !ok || twice || x.Name != a.Name || a.Vendor != diameter.VendorRoam6 {
			t.Errorf("%+v: here %q", a, x.Name)
		}
		if grouped := a.Type == "Grouped"; ok && grouped != (x.Type == diameter.Grouped) {
			t.Errorf("%s is %s", a.Name, a.Type)
		}
		known[a.Name] = a.Vendor
	}
	commands := map[string]bool{}
	for _, c := range d.Commands {
		commands[c.Name] = c.Code == diameter.AARegistration || c.Code == diameter.HomeAgentMIPv6
	}
	if len(d.Applications) != 1 || d.Applications[0].Code != diameter.AppMobileIPv6AAA || len(commands) != 4 || len(d.CommandRules) != 4 || len(d.AVPs) == 0 {
		t.Errorf("applications %+v, commands %v, %d rules for them", d.Applications, commands, len(d.CommandRules))
	}
	for _, r := range slices.Concat(d.AVPRules, d.CommandRules) {
		if _, ok := known[r.AVP]; !ok && !commands[r.Command] {
			t.Errorf("a rule for %s%s, which is not there", r.AVP, r.Command)
		}
		for _, a := range r.Content {
			if vendor, ok := known[a.AVP]; !ok || vendor != a.Vendor {
				t.Errorf("%s%s: %s of vendor %d is not there", r.AVP, r.Command, a.AVP, a.Vendor)
			}
		}
	}
}
