package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"roam6/conf"
)

// Limits of a scenario.
const (
	MaxLength   = 24 * time.Hour
	MinPayload  = 16   // octets: flow packets carry a sequence number and the time they were sent
	MaxPayload  = 1380 // octets: fits a tunnel in the least Ethernet MTU with room for both IPv6 headers and UDP
	minInterval = 30 * time.Millisecond
)

// checker gathers what is wrong with a scenario beyond its syntax.
type checker struct {
	s    *Scenario
	doc  *conf.Doc
	errs []error
	end  time.Duration // what times are held against: the length, if that is right
}

// want notes a problem with the value at a path unless ok.
func (c *checker) want(ok bool, path string, value any, allowed string) {
	if !ok {
		c.errs = append(c.errs, c.doc.Fail(path, fmt.Sprint(value), allowed))
	}
}

func (s *Scenario) check(doc *conf.Doc) error {
	c := &checker{s: s, doc: doc}
	c.want(word(s.Name), "name", s.Name, "letters, digits and hyphens")
	right := s.Length <= MaxLength && (s.Length > 0 || s.Length == 0 && s.Walk.Moves > 0)
	c.want(right, "length", s.Length, "more than 0 and at most 24h")
	if c.end = max(s.Length, s.Walk.end()); !right { // one mistake, one error: the times are not wrong for it
		c.end = math.MaxInt64
	}
	for _, d := range []struct {
		key   string
		value time.Duration
	}{{"operator", s.Delays.Operator}, {"core", s.Delays.Core}, {"home", s.Delays.Home}, {"cn", s.Delays.CN}, {"air", s.Delays.Air}} {
		c.want(d.value >= 0, "delays."+d.key, d.value, "not negative")
	}
	c.want(s.Radio.Blackout >= 0, "radio.blackout", s.Radio.Blackout, "not negative")
	c.link("radio", s.Radio.impairment().model(0))
	c.link("wires", s.Wires.model(0))
	c.routers()
	c.mobile()
	c.explicit()
	c.walk()
	c.moves()
	c.flows()
	c.actions()
	return conf.Join(c.errs...)
}

func (c *checker) link(path string, l LinkModel) {
	for _, p := range []struct {
		key   string
		value float64
	}{{"loss", l.Loss}, {"duplicate", l.Duplicate}, {"reorder", l.Reorder}} {
		c.want(p.value >= 0 && p.value <= 1, path+"."+p.key, p.value, "a probability from 0 to 1")
	}
	c.want(l.Delay >= 0, path+".delay", l.Delay, "not negative")
	c.want(l.Jitter >= 0, path+".jitter", l.Jitter, "not negative")
	c.want(l.ReorderBy >= 0, path+".reorder_by", l.ReorderBy, "not negative")
	c.want(l.Rate >= 0, path+".rate", l.Rate, "not negative")
	c.want(l.Queue >= 0, path+".queue", l.Queue, "not negative")
}

func (c *checker) routers() {
	r := c.s.Router
	c.want(r.IntervalMin >= minInterval, "router.interval_min", r.IntervalMin, "at least 30ms (RFC 6275 section 7.5)")
	c.want(r.IntervalMax >= r.IntervalMin && r.IntervalMax <= 30*time.Minute, "router.interval_max", r.IntervalMax, "from interval_min to 30m")
	c.want(r.Lifetime >= time.Second, "router.lifetime", r.Lifetime, "at least 1s")
	c.want(r.RADelayMax >= 0, "router.ra_delay_max", r.RADelayMax, "not negative")
	c.want(c.s.Home.MaxLifetime >= 4*time.Second, "home.max_lifetime", c.s.Home.MaxLifetime, "at least 4s, the unit of binding lifetimes")
}

func (c *checker) mobile() {
	m := c.s.Mobile
	if c.s.Topology == TwoOperators {
		c.cell("mn.start", m.Start)
		if m.Second != "" {
			c.cell("mn.second", m.Second)
			c.want(m.Second != m.Start, "mn.second", m.Second, "another cell than mn.start")
		}
	}
	c.want(m.Lifetime >= 4*time.Second && m.Lifetime <= 0xffff*4*time.Second, "mn.lifetime", m.Lifetime, "from 4s to 72h (RFC 6275 section 6.1.7)")
	c.want(m.Stagger >= 0, "mn.stagger", m.Stagger, "not negative")
	c.want(m.Multihoming == "off" || m.Second != "", "mn.multihoming", m.Multihoming, "off, unless there is a second interface (mn.second)")
	c.aaa()
	c.kerberos()
	c.want(m.Hosts >= 0 && m.Hosts <= MaxHosts, "mn.hosts", m.Hosts, fmt.Sprintf("0 to %d", MaxHosts))
}

// cells are the segments a mobile node can attach to.
func (c *checker) cells() []string {
	var out []string
	if c.s.Topology == TwoOperators {
		out = append(out, "home", "ar1", "ar2", "ar3")
	}
	for _, s := range c.s.Segments {
		out = append(out, s.Name)
	}
	return out
}

func (c *checker) cell(path, name string) {
	all := c.cells()
	c.want(slices.Contains(all, name), path, name, "a cell: "+strings.Join(all, ", "))
}

func (c *checker) moves() {
	last := time.Duration(0)
	for i, m := range c.s.Moves {
		at := fmt.Sprintf("moves[%d]", i)
		c.want(m.At >= last && m.At < c.end, at+".at", m.At, fmt.Sprintf("from %v, the move before, to the length %v", last, c.s.Length))
		last = m.At
		switch {
		case m.Lose != "":
			c.want(m.To == "" && m.Regain == "", at, "lose", `"lose" alone, or "to", or "regain" with "to"`)
			c.iface(at+".lose", m.Node, m.Lose)
		case m.Regain != "":
			c.cell(at+".to", m.To)
			c.iface(at+".regain", m.Node, m.Regain)
		default:
			c.cell(at+".to", m.To)
			c.iface(at+".iface", m.Node, or(m.Iface, "wlan0"))
		}
		c.notice(at, m)
		if m.Blackout != nil {
			c.want(*m.Blackout >= 0, at+".blackout", *m.Blackout, "not negative")
		}
	}
}

// notice checks what is said of a move beforehand.
func (c *checker) notice(at string, m Move) {
	c.want(m.Notice >= 0 && m.Notice <= m.At, at+".notice", m.Notice, fmt.Sprintf("from 0s to %v, when the move is", m.At))
	c.want(m.Notice == 0 || m.To != "" && m.Regain == "", at+".notice", m.Notice, `only with "to": what is lost without warning, or found again, has no notice`)
	c.want(m.Hint == "" || m.Notice > 0, at+".hint", m.Hint, `only with "notice"`)
	if m.Hint != "" {
		c.cell(at+".hint", m.Hint)
	}
}

// iface checks that a node has an interface.
func (c *checker) iface(path, node, name string) {
	node = or(node, "mn")
	if c.s.Topology == TwoOperators && node == "mn" {
		c.want(name == "wlan0" || name == "wwan0" && c.s.Mobile.Second != "", path, name, `wlan0, or wwan0 when mn.second is given`)
		return
	}
	for _, n := range c.s.Nodes {
		if n.Name == node {
			c.want(slices.ContainsFunc(n.Ifaces, func(f IfaceSpec) bool { return f.Name == name }), path, name, "an interface of "+node)
			return
		}
	}
	c.want(false, path, node, "a node of the scenario")
}

func (c *checker) flows() {
	names, probes := map[string]bool{}, map[string]bool{}
	for i, f := range c.s.Flows {
		at := fmt.Sprintf("flows[%d]", i)
		c.want(word(f.Name) && !names[f.Name], at+".name", f.Name, "letters, digits and hyphens, once")
		names[f.Name] = true
		c.want(f.Interval >= 100*time.Microsecond, at+".interval", f.Interval, "at least 100us")
		c.want(f.Size == 0 || f.Size >= MinPayload && f.Size <= MaxPayload, at+".size", f.Size, fmt.Sprintf("%d to %d octets", MinPayload, MaxPayload))
		c.want(f.Start >= 0 && f.Start < c.end, at+".start", f.Start, "before the length")
		c.want(f.Stop == 0 || f.Stop > f.Start && f.Stop <= c.end, at+".stop", f.Stop, "after start, at most the length")
		c.want(f.Host >= 0 && f.Host <= c.s.Mobile.Hosts, at+".host", f.Host, fmt.Sprintf("1 to mn.hosts, %d; 0 for the mobile node itself", c.s.Mobile.Hosts))
		mobile := or(f.Mobile, "mn")
		c.want(!f.Probe || !probes[mobile], at+".probe", true, "one probe a mobile node")
		probes[mobile] = probes[mobile] || f.Probe
		if c.s.Topology == Explicit {
			c.node(at+".mobile", mobile)
			c.node(at+".peer", or(f.Peer, "cn"))
			c.want(f.MobileAddr.IsValid(), at+".mobile_addr", f.MobileAddr, "the address of the mobile end")
			c.want(f.PeerAddr.IsValid(), at+".peer_addr", f.PeerAddr, "the address of the other end")
		}
	}
}

// node checks that there is a node.
func (c *checker) node(path, name string) {
	var all []string
	if c.s.Topology == TwoOperators {
		all = append(all, "core", "opa", "ar1", "ar2", "opb", "ar3", "ha", "cn", "mn")
		all = append(append(all, aaaNodes(c.s)...), kerberosNodes(c.s)...)
	}
	for _, n := range c.s.Nodes {
		all = append(all, n.Name)
	}
	c.want(slices.Contains(all, name), path, name, "a node: "+strings.Join(all, ", "))
}

func (c *checker) actions() {
	for i, a := range c.s.Actions {
		at := fmt.Sprintf("actions[%d]", i)
		c.want(a.At >= 0 && a.At < c.end, at+".at", a.At, "before the length")
		n := 0
		for _, given := range []bool{a.Crash != "", a.Restart != "", a.Degrade != "", a.Command != nil, a.Mark != ""} {
			if given {
				n++
			}
		}
		c.want(n == 1, at, fmt.Sprintf("%d things", n), "exactly one of crash, restart, degrade, command, mark")
		if a.Crash != "" {
			c.node(at+".crash", a.Crash)
		}
		if a.Restart != "" {
			c.node(at+".restart", a.Restart)
		}
		if a.Command != nil {
			c.node(at+".command.node", a.Command.Node)
		}
		if a.Degrade != "" {
			c.want(a.Link != nil, at+".link", "", "the link from then on")
			c.want(slices.Contains(append(c.cells(), wireNames(c.s)...), a.Degrade), at+".degrade", a.Degrade, "a segment")
		}
		if a.Link != nil {
			c.link(at+".link", a.Link.model())
		}
	}
}

// explicit checks segments and nodes given in the file.
func (c *checker) explicit() {
	names := map[string]bool{}
	for i, s := range c.s.Segments {
		at := fmt.Sprintf("segments[%d]", i)
		c.want(word(s.Name) && !names[s.Name], at+".name", s.Name, "letters, digits and hyphens, once")
		names[s.Name] = true
		c.link(at+".link", s.Link.model())
	}
	nodes := map[string]bool{}
	for i, n := range c.s.Nodes {
		at := fmt.Sprintf("nodes[%d]", i)
		c.want(word(n.Name) && !nodes[n.Name], at+".name", n.Name, "letters, digits and hyphens, once")
		nodes[n.Name] = true
		ports, ifaces := map[int]bool{}, map[string]bool{}
		for j, f := range n.Ifaces {
			at := fmt.Sprintf("%s.ifaces[%d]", at, j)
			c.want(word(f.Name) && len(f.Name) <= 15 && !ifaces[f.Name], at+".name", f.Name, "a word of at most 15 characters, once")
			ifaces[f.Name] = true
			c.want(f.Port >= 0 && (f.Port == 0 || !ports[f.Port]), at+".port", f.Port, "a number from 1, once; 0 for none")
			ports[f.Port] = true
			c.want(f.MTU == 0 || f.MTU >= 1280, at+".mtu", f.MTU, "at least 1280 (RFC 8200 section 5)")
			if f.Segment != "" {
				c.want(slices.Contains(append(c.cells(), wireNames(c.s)...), f.Segment), at+".segment", f.Segment, "a segment")
			}
		}
		for j, r := range n.Routes {
			c.want(ifaces[r.Iface], fmt.Sprintf("%s.routes[%d].iface", at, j), r.Iface, "an interface of the node")
		}
	}
}

// word reports whether a name is letters, digits and hyphens.
func word(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// or is a unless it is empty.
func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
