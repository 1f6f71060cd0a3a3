package ha

import (
	"encoding/json"
	"net/netip"

	"roam6/engine"
)

// View is what a home agent shows.
type View struct {
	Role     string        `json:"role"` // "ha"
	Address  string        `json:"address"`
	Prefix   string        `json:"prefix"`
	Served   int           `json:"served"` // mobile nodes it may serve
	Bindings []BindingView `json:"bindings"`
	// Guests are the mobile nodes that came from AAA, away or not; Diameter is how the agent stands with its AAA servers.
	Guests   []GuestView `json:"guests,omitempty"`
	Diameter any         `json:"diameter,omitempty"`
}

// GuestView is a mobile node that came from AAA.
type GuestView struct {
	HomeAddress string      `json:"home_address"`
	NAI         string      `json:"nai,omitempty"`
	Ends        engine.Mono `json:"ends_mono"` // of its authorisation or its keys
	Bound       bool        `json:"bound"`
}

// BindingView is one entry of the binding cache.
type BindingView struct {
	HomeAddress string      `json:"home_address"`
	CareOf      string      `json:"coa"`
	Sequence    uint16      `json:"sequence"`
	Lifetime    string      `json:"lifetime"` // granted
	Expires     engine.Mono `json:"expires_mono"`
	// Networks are those behind a mobile router.
	Networks []netip.Prefix `json:"networks,omitempty"`
	// CareOfs are several care-of addresses, the primary one first.
	CareOfs []CareOfView `json:"care_of_addresses,omitempty"`
}

// View shows the agent; see engine.Engine.
func (a *Agent) View() any {
	v := View{Role: "ha", Address: a.cfg.Address.String(), Prefix: a.cfg.Prefix.String(), Served: len(a.cfg.Mobiles), Bindings: []BindingView{}}
	for _, m := range a.order {
		if m == nil {
			continue
		}
		if b := m.binding; b != nil {
			v.Bindings = append(v.Bindings, BindingView{
				HomeAddress: b.HoA().String(), CareOf: b.CoA().String(), Sequence: b.Seq, Lifetime: b.Granted().String(), Expires: b.expires,
				Networks: b.Networks, CareOfs: b.careOfs(),
			})
		}
	}
	v.Guests = a.guestViews()
	v.Served += len(v.Guests)
	if a.aaa != nil {
		v.Diameter = a.aaa.View()
	}
	return v
}

func (a *Agent) guestViews() []GuestView {
	var list []GuestView
	for _, g := range a.guests.list {
		if g != nil && g.settled {
			list = append(list, GuestView{HomeAddress: g.hoa.String(), NAI: g.nai, Ends: g.until(), Bound: g.binding != nil})
		}
	}
	return list
}

// command answers an operator.
func (a *Agent) command(c engine.Command, out *engine.Effects) {
	reply := engine.Reply{ID: c.ID}
	switch c.Verb {
	case "view", "bindings":
		reply.Data, _ = json.Marshal(a.View())
	default:
		reply.Err = "unknown verb " + c.Verb + "; a home agent takes: view, bindings"
	}
	out.Reply(reply)
}
