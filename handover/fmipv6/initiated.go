package fmipv6

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// What an access router tells of its own accord, RFC 5568 §3.3 and §6.1.2: to hand over now (Code 1), or which cells are around (Code 4).

// Verbs of the router's end.
const (
	VerbHandover = "handover" // mobile=HW cell=BSSID: the node is told to hand over to a neighbour's cell
	VerbCells    = "cells"    // mobile=HW: the node is told of all neighbours' cells
)

// AroundLifetime is how long a node believes what it was told of cells around: as long as it may stay near them on foot.
const AroundLifetime = 5 * time.Minute

// around are the cells that a router told of unasked: of one advertisement, so nd.MaxAccessPoints at most.
type around struct {
	router netip.Addr
	cells  []nd.AccessPoint
	until  engine.Mono
}

// find gives what is known of a cell from a router; nil for nothing.
func (a *around) find(now engine.Now, router netip.Addr, cell plane.HW) *nd.AccessPoint {
	if now.Mono >= a.until || a.router != router {
		return nil
	}
	for i := range a.cells {
		if ap := &a.cells[i]; ap.HW == cell && ap.Outcome == nd.APFound && usable(ap) {
			return ap
		}
	}
	return nil
}

// unsolicited takes what the router tells of its own accord, if the node is configured to. It is believed as far as an answer would be: from
// the router of the link, to this node alone. Handovers so begun count as questions do (mayAsk), or a stranger could keep the
// node busy.
//
// spec MIP-09
func (m *Mobile) unsolicited(now engine.Now, port plane.Port, p *ip6.Packet, adv *nd.PrRtAdv, out *engine.Effects) {
	site, ok := m.leaves(port)
	if !m.open || !ok || len(adv.AccessPoints) == 0 || p.Src != site.Router || p.Dst != site.CoA && p.Dst != site.Source {
		out.Drop("prrtadv-unexpected", engine.A("from", p.Src))
		return
	}
	if adv.Code == nd.ProxyUnsolicited {
		m.around = around{site.Router, adv.AccessPoints, now.Mono.Add(AroundLifetime)}
		return
	}
	ap := &adv.AccessPoints[0]
	switch {
	case ap.Outcome != nd.APFound || !usable(ap):
		out.Drop("prrtadv-unexpected", engine.A("from", p.Src))
		return
	case port == m.port && ap.HW == m.hint.HW && (m.state == announcing || m.state == ready):
		return // said already
	case m.mayAsk(now) > now.Mono:
		out.Drop("hint-rate")
		return
	}
	m.count(now)
	m.prepare(engine.LinkHint{Port: port, Attachment: m.nameOf(port, ap.HW), HW: ap.HW}, site, "told to hand over", out)
	m.announce(now, ap, out)
}

// nameOf is what the link layer called a cell when it hinted at it, or else the cell's identity as people write it.
func (m *Mobile) nameOf(port plane.Port, cell plane.HW) string {
	if m.hint.Port == port && m.hint.HW == cell {
		return m.hint.Attachment
	}
	return cell.String()
}

// Command carries out VerbHandover and VerbCells; see handover.Router.
//
// spec MIP-09
func (r *Router) Command(_ engine.Now, verb string, args map[string]string, out *engine.Effects) (bool, error) {
	if verb != VerbHandover && verb != VerbCells {
		return false, nil
	}
	hw, err := hwOf(args, "mobile")
	if err != nil {
		return true, err
	}
	if !r.knows(hw) {
		return true, fmt.Errorf("mobile=%s: no mobile node has this link-layer address in fmipv6.mobiles of this router", args["mobile"])
	}
	adv := &nd.PrRtAdv{Code: nd.ProxyUnsolicited}
	if verb == VerbHandover {
		cell, err := hwOf(args, "cell")
		if err != nil {
			return true, err
		}
		ap := r.behind(cell)
		if ap.Outcome != nd.APFound {
			return true, fmt.Errorf("cell=%s: a cell of one of fmipv6.neighbours of this router is wanted", args["cell"])
		}
		adv.Code, adv.AccessPoints = nd.ProxyHandover, []nd.AccessPoint{ap}
	} else {
		for _, n := range r.neighbours {
			for _, c := range n.Cells {
				adv.AccessPoints = append(adv.AccessPoints, r.behind(c))
			}
		}
		adv.AccessPoints = adv.AccessPoints[:min(len(adv.AccessPoints), nd.MaxAccessPoints)]
		if len(adv.AccessPoints) == 0 {
			return true, errors.New("this router knows no cell around: fmipv6.neighbours of its configuration has none")
		}
	}
	return true, r.tellNode(hw, adv, out)
}

// tellNode sends an advertisement to a node's own station, on every link that it may be on.
func (r *Router) tellNode(hw plane.HW, adv *nd.PrRtAdv, out *engine.Effects) error {
	sent := false
	for i := range r.links {
		l := &r.links[i]
		if !l.up {
			continue
		}
		sent, adv.SourceHW = true, l.hw
		p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: ip6.LinkLocal(l.hw), Dst: ip6.FromEUI64(l.Prefix, hw)}, Proto: ip6.ProtoICMPv6}
		p.Payload = nd.Append(nil, p.Src, p.Dst, adv)
		out.Send(l.Port, hw, p.Append(nil))
	}
	if !sent {
		return errors.New("no access link is up")
	}
	return nil
}

func (r *Router) knows(hw plane.HW) bool {
	for _, m := range r.mobiles { //order:any
		if m.hw == hw {
			return true
		}
	}
	return false
}

// hwOf reads a link-layer address among a verb's arguments.
func hwOf(args map[string]string, key string) (plane.HW, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(args[key], ":", ""))
	if err != nil || len(b) != len(plane.HW{}) {
		return plane.HW{}, fmt.Errorf("%s=%q: six octets are wanted, such as %s=02:00:5e:10:00:01", key, args[key], key)
	}
	return plane.HW(b), nil
}
