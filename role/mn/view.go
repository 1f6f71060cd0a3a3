package mn

import (
	"encoding/json"
	"time"

	"roam6/engine"
	"roam6/machine/correspond"
	"roam6/machine/enrol"
	"roam6/machine/rr"
)

// View is what a mobile node shows.
type View struct {
	Role        string      `json:"role"`         // "mn"
	HomeAddress string      `json:"home_address"` // empty while the home network has assigned none
	HomeAgent   string      `json:"home_agent,omitempty"`
	Strategy    string      `json:"strategy"`
	State       string      `json:"state"`       // of the strategy
	Binding     string      `json:"binding"`     // unbound, updating, bound
	AtHome      bool        `json:"at_home"`     // bound without a binding: on the home link
	CareOf      string      `json:"coa"`         // empty while there is none
	Lifetime    string      `json:"lifetime"`    // granted
	Sequence    uint16      `json:"sequence"`    // of the last binding update
	LastStatus  string      `json:"last_status"` // of the last acknowledgement
	Links       []LinkView  `json:"links"`
	Expires     engine.Mono `json:"expires_mono"`
	// Routes are the correspondents this node has told or tells where it is; Peers the mobile nodes that told it.
	Routes []rr.Peer            `json:"routes,omitempty"`
	Peers  []correspond.Binding `json:"peers,omitempty"`
	// Networks are those behind this node, if it is a mobile router.
	Networks []NetworkView `json:"networks,omitempty"`
	// CareOfs are several care-of addresses that the home agent has.
	CareOfs []CareOfView `json:"care_of_addresses,omitempty"`
	// Kerberos is the tickets that there are, and why others are not.
	Kerberos *KerberosView `json:"kerberos,omitempty"`
}

// LinkView is one link of a mobile node.
type LinkView struct {
	Port    int    `json:"port"`
	Up      bool   `json:"up"`
	Router  string `json:"router,omitempty"`
	Address string `json:"address,omitempty"`
	Ready   bool   `json:"ready"`
	AtHome  bool   `json:"at_home"`
	// Access is what goes on between the node and a network that asks who comes.
	Access *enrol.View `json:"access,omitempty"`
	EAP    string      `json:"eap,omitempty"` // where the conversation with the home network stands
	// RouterKey are the SPIs of a key shared with the access router: to it, to the node.
	RouterKey []uint32 `json:"router_key_spis,omitempty"`
}

// View shows the node; see engine.Engine.
func (n *Node) View() any {
	r := &n.home
	v := View{
		Role: "mn", Strategy: n.cfg.Strategy, State: n.strategy.State(),
		Binding: string(r.phase), AtHome: r.atHome, Sequence: r.seq, LastStatus: r.status.String(),
		Lifetime: r.lifetime.Round(time.Second).String(), Expires: r.expires,
	}
	if !n.id.nobody() {
		v.HomeAddress = n.id.home.String()
	}
	if n.routes.mobile != nil {
		v.Routes = n.routes.mobile.View()
	}
	if n.routes.peers != nil {
		v.Peers = n.routes.peers.View()
	}
	v.Networks, v.CareOfs, v.Kerberos = n.inside.view(), n.several.view(), n.kerberos.view()
	if r.agent.IsValid() {
		v.HomeAgent = r.agent.String()
	}
	if r.coa.IsValid() {
		v.CareOf = r.coa.String()
	}
	for _, a := range n.access {
		l := LinkView{Port: int(a.link.Port), Up: a.link.IsUp(), Ready: a.usable(), AtHome: a.atHome}
		if rt, ok := a.link.Current(); ok {
			l.Router = rt.Addr.String()
		}
		if a.applicant != nil {
			l.Access = a.applicant.View()
			if p := a.asked.peer; p != nil {
				l.EAP = p.State()
			}
			if k := a.routerKey; k != nil {
				l.RouterKey = []uint32{k.PeerSPI, k.MobileSPI}
			}
		}
		if a.coa.IsValid() {
			l.Address = a.coa.String()
		}
		v.Links = append(v.Links, l)
	}
	return v
}

// unboundWord says why there is no binding to speak of.
func (n *Node) unboundWord() string {
	if n.home.atHome {
		return "at home"
	}
	return string(n.home.phase)
}

// command answers an operator.
func (n *Node) command(now engine.Now, c engine.Command, out *engine.Effects) {
	reply := engine.Reply{ID: c.ID}
	switch c.Verb {
	case "view":
		reply.Data, _ = json.Marshal(n.View())
	case "refresh":
		if n.home.phase != current || n.home.atHome {
			reply.Err = "no binding to refresh: the node is " + n.unboundWord()
			break
		}
		n.renew(now, out)
		reply.Data = []byte(`"binding update sent"`)
	case "prefixes":
		if n.home.phase != current || n.home.atHome {
			reply.Err = "only a node that is bound away from home asks for the home prefixes: the node is " + n.unboundWord()
			break
		}
		n.solicitPrefixes(now, out)
		reply.Data = []byte(`"mobile prefix solicitation sent"`)
	default:
		reply.Err = "unknown verb " + c.Verb + "; a mobile node takes: view, refresh, prefixes"
	}
	out.Reply(reply)
}
