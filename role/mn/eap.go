package mn

import (
	"fmt"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/keying/gpsk"
	"roam6/machine/eap"
	"roam6/machine/enrol"
	wireeap "roam6/wire/eap"
)

// EAP authenticates the node by EAP-GPSK, in rounds, instead of by one answer to two challenges (draft-le-aaa-diameter-mobileipv6-04
// §6.2). The node begins without being asked its name, so it takes three round trips. AAA.LongTerm is the method's key then, of 16 to 64
// octets; what it leaves, the EMSK, takes the place of the long-term key for the one request that was granted (docs/access.md).
type EAP struct {
	Name   string // ID_Peer; empty: Config.NAI, or the home address of a node without one
	Server string // ID_Server, the Diameter identity of the home AAA server; empty: any that has the key
}

// Limits of a configuration, in octets.
const (
	MinEAPKey  = gpsk.MinPSK
	MaxEAPKey  = gpsk.MaxPSK
	MaxEAPName = wireeap.MaxID
)

// peer makes the node's end of a conversation.
func (n *Node) peer() (*eap.Peer, error) {
	c := n.cfg.AAA
	key, err := gpsk.NewKey(c.LongTerm)
	if err != nil {
		return nil, err
	}
	identity := n.cfg.NAI
	if identity == "" {
		identity = n.id.home.String()
	}
	return eap.NewPeer(eap.PeerConfig{Identity: identity, Name: c.EAP.Name, Server: c.EAP.Server, Key: key}, n.rand)
}

// converse begins a conversation for what is about to be asked, and gives its first response.
//
// spec DM-06
func (n *Node) converse(a *access) []byte {
	if n.cfg.AAA.EAP == nil {
		return nil
	}
	p, err := n.peer()
	if err != nil {
		panic(fmt.Sprintf("mn: %v", err)) // key and names were checked
	}
	a.asked.peer = p
	return p.Begin()
}

// round answers the home network. Once that has proven itself its keys are there: the reply that ends the conversation is verified with them,
// which proves more than the Success of EAP in it, that nothing protects. What does not belong is not answered.
//
// spec DM-06
func (n *Node) round(now engine.Now, a *access, f enrol.Round, out *engine.Effects) {
	p := a.asked.peer
	response, o := p.Handle(f.EAP)
	if response == nil {
		out.Drop(o.Reason, engine.S("port", itoa(int(a.link.Port))))
		return
	}
	if keys, ok := p.Proven(); ok {
		w, _ := a.applicant.Asks()
		emsk := keys.EMSK()
		secret, err := aaa.Exported(emsk, aaa.Identity(n.cfg.NAI, w.Home), a.applicant.Network())
		clear(emsk)
		if err == nil {
			err = a.applicant.Rekey(secret)
		}
		clear(secret)
		if err != nil {
			out.Drop("eap-keys-unfit", engine.S("error", err.Error()))
			return
		}
	}
	a.applicant.Respond(now, response, out)
}

// over ends what a request stood for, and the keys of its conversation.
func (q *asked) over() {
	if q.peer != nil {
		q.peer.End()
	}
	*q = asked{}
}
