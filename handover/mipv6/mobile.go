package mipv6

import (
	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
)

// Mobile is the mobile node's end. It keeps the home address bound to the preferred access that is ready.
type Mobile struct {
	core  handover.Core
	state state
	port  plane.Port // the access the node uses or is about to use; Kernel (0) for none
}

// NewMobile makes the mobile node's end on its core.
func NewMobile(core handover.Core) *Mobile { return &Mobile{core: core, state: disconnected} }

// State names the state.
func (m *Mobile) State() string { return string(m.state) }

// LinkUp waits for a router when the node has no better access. A link in use that comes up again without having gone
// down changed its point of attachment under us: what was known about it may be over.
func (m *Mobile) LinkUp(now engine.Now, port plane.Port, out *engine.Effects) {
	if m.state != disconnected && port != m.port {
		return
	}
	m.core.Hold(now, out)
	m.port = port
	m.become(detecting, "link up", out)
	out.Step("link up", "router advertisement", portAttr(m, port))
}

// LinkDown goes over to another access at once when one is ready; otherwise packets are held until a link comes.
//
// spec RT-11
func (m *Mobile) LinkDown(now engine.Now, port plane.Port, out *engine.Effects) {
	m.leave(now, port, "link down", out)
}

// RouterFound reports the step; the address follows.
func (m *Mobile) RouterFound(_ engine.Now, port plane.Port, out *engine.Effects) {
	if !m.wants(port) {
		return
	}
	m.port = port
	if a := m.access(port); !a.Ready && !a.AtHome { // the home address is not probed: its agent defends it

		m.become(configuring, "router found", out)
		out.Step("router found", "duplicate address detection", portAttr(m, port))
	}
}

// RouterConfirmed goes on where the node was before the link went away.
func (m *Mobile) RouterConfirmed(now engine.Now, port plane.Port, out *engine.Effects) {
	if m.wants(port) && m.access(port).Ready {
		m.register(now, port, "same router as before", out)
	}
}

// AddressReady registers the address when its access is the best there is.
func (m *Mobile) AddressReady(now engine.Now, port plane.Port, out *engine.Effects) {
	if m.wants(port) {
		why := "address ready"
		if m.access(port).AtHome {
			why = "home link found"
		}
		m.register(now, port, why, out)
	}
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
		out.Step("binding acknowledged", "first packet", portAttr(m, port))
	}
	m.become(bound, "binding acknowledged", out)
}

// RegistrationFailed tries the next best access; with none the core goes on trying by itself.
func (m *Mobile) RegistrationFailed(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	if port != m.port {
		return
	}
	for _, a := range m.core.Accesses() {
		if a.Port != port && a.Ready {
			m.register(now, a.Port, why, out)
			return
		}
	}
}

// leave handles the loss of an access: nothing if it was not in use, otherwise the best other one.
func (m *Mobile) leave(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	if port != m.port {
		return
	}
	var up *handover.Access
	for _, a := range m.core.Accesses() {
		if a.Port != port && a.Ready {
			m.register(now, a.Port, why, out)
			return
		}
		if a.Up && up == nil {
			up = &a
		}
	}
	m.core.Hold(now, out)
	if up == nil {
		m.port = plane.Kernel
		m.become(disconnected, why, out)
		out.Step(why, "link", portAttr(m, port))
		return
	}
	m.port = up.Port
	if up.Found {
		m.become(configuring, why, out)
		out.Step(why, "duplicate address detection", portAttr(m, up.Port))
		return
	}
	m.become(detecting, why, out)
	out.Step(why, "router advertisement", portAttr(m, up.Port))
}

func (m *Mobile) register(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	m.port = port
	m.become(registering, why, out)
	out.Step(why, "binding acknowledgement", portAttr(m, port))
	m.core.Register(now, port, out)
}

// wants reports whether the node should go to this access: it uses it already, has none that works, or prefers it.
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

func portAttr(m *Mobile, port plane.Port) engine.Attr {
	a := m.access(port)
	if a.CoA.IsValid() {
		return engine.A("coa", a.CoA)
	}
	return engine.S("port", string('0'+rune(port%10)))
}
