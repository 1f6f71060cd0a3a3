package peers

import (
	"slices"
	"strconv"
	"strings"
)

// Counts is what a node did.
type Counts struct {
	Relayed    uint64 `json:"relayed"`    // answers given back to who asked through us
	Answered   uint64 `json:"answered"`   // by the owner
	Refused    uint64 `json:"refused"`    // requests answered with what is wrong
	Redirected uint64 `json:"redirected"` // requests answered with whom to ask
	Repeated   uint64 `json:"repeated"`   // answers given again to a copy
	FailedOver uint64 `json:"failedOver"` // requests given to another peer because one was silent or gone
	Elsewhere  uint64 `json:"elsewhere"`  // requests given to another peer because one said so
}

// PeerCounts are messages of the open connection: everything in, requests out.
type PeerCounts struct {
	In  uint64 `json:"in"`
	Out uint64 `json:"out"`
}

// View is what a node tells of itself.
type View struct {
	Host    string     `json:"host"`
	Realm   string     `json:"realm"`
	Peers   []PeerView `json:"peers"` // those of the configuration in its order, then strangers by name
	Pending int        `json:"pending"`
	Serving int        `json:"serving"`
	Waiting int        `json:"waiting"` // connections without CER
	Kept    int        `json:"kept"`    // answers kept for copies
	Counts  Counts     `json:"counts"`
}

// PeerView is a peer.
type PeerView struct {
	Host     string     `json:"host"`
	Realm    string     `json:"realm,omitempty"`
	Product  string     `json:"product,omitempty"`
	State    State      `json:"state"`
	Watch    Watch      `json:"watch"`
	Reason   string     `json:"reason,omitempty"` // why it was closed last, while it is not open
	Stranger bool       `json:"stranger,omitempty"`
	Pending  int        `json:"pending"`
	Counts   PeerCounts `json:"counts"`
}

// View is a plain copy of what the node knows.
func (n *Node) View() any {
	v := View{Host: n.host, Realm: n.realm, Pending: n.age.n, Serving: n.serving.n, Kept: len(n.done.list), Counts: n.count}
	for _, p := range slices.Concat(n.listed, n.sortedStrangers()) {
		why := p.why
		if p.state.open() {
			why = ""
		}
		v.Peers = append(v.Peers, PeerView{p.host, p.realm, p.caps.product, p.state, p.watch, why, p.stranger, p.pending.n, p.count})
	}
	for _, k := range n.waiting { //order:any — a sum
		v.Waiting += k
	}
	return v
}

func (n *Node) sortedStrangers() (list []*peer) {
	for _, p := range n.byHost { //order:any — sorted below
		if p.stranger {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *peer) int { return strings.Compare(a.host, b.host) })
	return list
}

type number uint64

func (n number) String() string { return strconv.FormatUint(uint64(n), 10) }
