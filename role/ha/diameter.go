package ha

import (
	"errors"
	"slices"
	"strings"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// diameter lets the agent's Diameter node take an input, and does what its peers ask for.
//
// spec DM-14
func (a *Agent) diameter(now engine.Now, in engine.Input, out *engine.Effects) {
	if a.aaa == nil {
		return
	}
	for _, f := range a.aaa.Handle(now, in, out) {
		if f, ok := f.(peers.Arrived); ok {
			a.arrived(now, f, out)
		}
	}
}

// arrived takes a request. Only a HOR of one of our servers is for a home agent.
//
// spec DM-02 DM-14
func (a *Agent) arrived(now engine.Now, f peers.Arrived, out *engine.Effects) {
	switch {
	case f.Message.App != diameter.AppMobileIPv6AAA || f.Message.Command != diameter.HomeAgentMIPv6:
		a.refuse(now, f, &diameter.Error{Code: diameter.CommandUnsupported, Text: "a home agent takes Home-Agent-MIPv6-Requests alone"}, "diameter-command", out)
		return
	case !a.isServer(f.From):
		a.refuse(now, f, &diameter.Error{Code: diameter.AuthorizationRejected, Text: f.From + " is none of this home agent's AAA servers"}, "hor-not-a-server", out)
		return
	}
	h, err := mip6aaa.ParseHOR(f.Message)
	if err != nil {
		bad := &diameter.Error{Code: diameter.ErrorBadHOR, Text: err.Error()}
		var told *diameter.Error
		if errors.As(err, &told) { // the draft wants one result for all that is wrong with a HOR; which AVP it is stays
			bad.Text, bad.Failed = told.Text, told.Failed
		}
		a.refuse(now, f, bad, "hor-malformed", out)
		return
	}
	a.assign(now, &errand{hor: h, handle: f.Handle}, out)
}

// isServer says whether a peer is one of the AAA servers whose HORs are taken.
func (a *Agent) isServer(host string) bool {
	d := a.cfg.Diameter
	if len(d.Servers) == 0 {
		return slices.ContainsFunc(d.Node.Peers, func(p peers.Peer) bool { return strings.EqualFold(p.Host, host) })
	}
	return slices.ContainsFunc(d.Servers, func(s string) bool { return strings.EqualFold(s, host) })
}

func (a *Agent) refuse(now engine.Now, f peers.Arrived, e *diameter.Error, reason string, out *engine.Effects) {
	out.Drop(reason, engine.S("peer", f.From), engine.S("result", e.Code.String()))
	a.aaa.Refuse(now, out, f.Handle, e)
}

// respond gives the answer to a HOR to whoever waits for it.
func (a *Agent) respond(now engine.Now, e *errand, out *engine.Effects) {
	e.done = true
	if e.waits {
		a.guests.waiting--
		e.waits = false
	}
	mip6aaa.ErasePeerKeys(e.hor.Peer)
	e.answer.User, e.answer.Agent = e.hor.User, a.cfg.Address
	if a.aaa == nil {
		return
	}
	if to, ok := a.aaa.Message(e.handle); ok {
		n := a.cfg.Diameter.Node
		a.aaa.Answer(now, out, e.handle, e.answer.Octets(a.aaa.Builder(), to, n.Host, n.Realm))
	}
}
