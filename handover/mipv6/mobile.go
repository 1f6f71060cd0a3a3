package mipv6

import (
	"slices"
	"strconv"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
)

// Mobile is the mobile node's end. It keeps the home address bound to the preferred access that is ready.
//
// One access counts at any time: the one in use, or the one waited for. While one is in use (bound, or an update is
// out by it) another only takes its place when its address is ready and it is preferred: make before break.
type Mobile struct {
	core  handover.Core
	state state
	port  plane.Port // the access that counts; Kernel (0) for none
}

// NewMobile makes the mobile node's end on its core.
func NewMobile(core handover.Core) *Mobile { return &Mobile{core: core, state: disconnected} }

// State names the state.
func (m *Mobile) State() string { return string(m.state) }

// LinkUp waits for a router when the node has no access. A link in use that comes up again without having gone
// down changed its point of attachment under us: what was known about it may be over.
func (m *Mobile) LinkUp(now engine.Now, port plane.Port, out *engine.Effects) {
	if m.state != disconnected && port != m.port {
		return
	}
	if m.elsewhere(now, port, "link up", out) {
		return
	}
	m.core.Hold(now, out)
	m.port = port
	m.become(detecting, "link up", out)
	out.Step("link up", "router advertisement", m.where(port))
}

// LinkDown goes over to another access at once when one is ready; otherwise packets are held until a link comes.
//
// spec RT-11
func (m *Mobile) LinkDown(now engine.Now, port plane.Port, out *engine.Effects) {
	m.leave(now, port, "link down", out)
}

// RouterFound waits for the address, if the node waits at all.
func (m *Mobile) RouterFound(now engine.Now, port plane.Port, out *engine.Effects) {
	a := m.access(port)
	switch {
	case a.Ready: // AddressReady follows
		return
	case port != m.port && (m.served() || !m.wants(port)):
		return
	case m.elsewhere(now, port, "router found", out):
		return
	}
	m.core.Hold(now, out)
	m.port = port
	m.become(configuring, "router found", out)
	out.Step("router found", "duplicate address detection", m.where(port))
}

// RouterConfirmed goes on where the node was before the link went away.
func (m *Mobile) RouterConfirmed(now engine.Now, port plane.Port, out *engine.Effects) {
	if m.access(port).Ready && (!m.served() || m.wants(port)) {
		m.register(now, port, "same router as before", out)
	}
}

// AddressReady registers the address when its access is the best there is.
func (m *Mobile) AddressReady(now engine.Now, port plane.Port, out *engine.Effects) {
	a := m.access(port)
	if !a.Ready || m.served() && !m.wants(port) {
		return
	}
	why := "address ready"
	if a.AtHome {
		why = "home link found"
	}
	m.register(now, port, why, out)
}

// AccessLost is like a link that went down, except that the link is there and a router may come.
func (m *Mobile) AccessLost(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	m.leave(now, port, why, out)
}

// Registered ends the handover.
func (m *Mobile) Registered(_ engine.Now, port plane.Port, out *engine.Effects) {
	if port != m.port {
		return
	}
	if m.state != bound {
		out.Step("binding acknowledged", "first packet", m.where(port))
	}
	m.become(bound, "binding acknowledged", out)
}

// RegistrationFailed tries the next access that is ready; with none the core goes on trying by this one.
func (m *Mobile) RegistrationFailed(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	if port != m.port || m.state != registering && m.state != bound {
		return
	}
	if m.next(now, port, why, out) || m.state == registering {
		return
	}
	m.become(registering, why, out)
	out.Step(why, "binding acknowledgement", m.where(port))
}

// leave handles the loss of an access: nothing if it was not in use, otherwise the best other one.
func (m *Mobile) leave(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	if port != m.port || m.elsewhere(now, port, why, out) {
		return
	}
	m.core.Hold(now, out)
	var next *handover.Access
	for _, a := range m.core.Accesses() {
		if a.Up && (next == nil || a.Found && !next.Found) {
			next = &a
		}
	}
	if next == nil {
		m.port = plane.Kernel
		m.become(disconnected, why, out)
		out.Step(why, "link", m.where(port))
		return
	}
	m.port = next.Port
	if next.Found {
		m.become(configuring, why, out)
		out.Step(why, "duplicate address detection", m.where(next.Port))
		return
	}
	m.become(detecting, why, out)
	out.Step(why, "router advertisement", m.where(next.Port))
}

// elsewhere registers by another access that is ready, if there is one: the preferred one.
func (m *Mobile) elsewhere(now engine.Now, port plane.Port, why string, out *engine.Effects) bool {
	for _, a := range m.core.Accesses() {
		if a.Port != port && a.Ready {
			m.register(now, a.Port, why, out)
			return true
		}
	}
	return false
}

// next registers by the next access after this one that is ready, round and round: the preferred one may be as silent.
func (m *Mobile) next(now engine.Now, port plane.Port, why string, out *engine.Effects) bool {
	list := m.core.Accesses()
	at := slices.IndexFunc(list, func(a handover.Access) bool { return a.Port == port })
	for i := range list {
		if a := list[(at+1+i)%len(list)]; a.Port != port && a.Ready {
			m.register(now, a.Port, why, out)
			return true
		}
	}
	return false
}

func (m *Mobile) register(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	m.port = port
	m.become(registering, why, out)
	out.Step(why, "binding acknowledgement", m.where(port))
	m.core.Register(now, port, out)
}

// served reports whether an access is in use: any that is ready is better than none.
func (m *Mobile) served() bool { return m.state == bound || m.state == registering }

// wants reports whether the node should go to this access: it uses it already, has none that is better, or prefers it.
func (m *Mobile) wants(port plane.Port) bool {
	if port == m.port || m.state == disconnected || m.state == detecting {
		return true
	}
	for _, a := range m.core.Accesses() { // the preferred first
		if a.Port == port || a.Port == m.port {
			return a.Port == port
		}
	}
	return false
}

func (m *Mobile) access(port plane.Port) handover.Access {
	for _, a := range m.core.Accesses() {
		if a.Port == port {
			return a
		}
	}
	return handover.Access{}
}

// where tells an access in an event.
func (m *Mobile) where(port plane.Port) engine.Attr {
	if a := m.access(port); a.CoA.IsValid() {
		return engine.A("coa", a.CoA)
	}
	return engine.S("port", strconv.Itoa(int(port)))
}
