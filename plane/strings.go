package plane

import (
	"fmt"
	"net/netip"
	"strings"
)

// String renders "+path 2001:db8::1/128 agent tunnel …" and "-path 2001:db8::1/128" for logs.
func (op Op) String() string {
	var name, key, value string
	op.check()
	switch {
	case op.Link != nil:
		v := op.Link
		name, key, value = "link", fmt.Sprint(v.Port), v.Link.String()
	case op.Local != nil:
		v := op.Local
		name, key, value = "local", v.Addr.String(), v.Local.String()
	case op.Host != nil:
		v := op.Host
		name, key, value = "host", v.Addr.String(), v.Host.String()
	case op.Path != nil:
		v := op.Path
		name, key, value = "path", v.Inner.String(), v.Path.String()
	case op.Way != nil:
		v := op.Way
		name, key, value = "way", fmt.Sprintf("%v %d", v.Key.Inner, v.Key.ID), v.Way.String()
	case op.Route != nil:
		v := op.Route
		name, key, value = "route", fmt.Sprintf("%v>%v", v.Pair.Mobile, v.Pair.Peer), v.Route.String()
	case op.Gate != nil:
		v := op.Gate
		name, key, value = "gate", fmt.Sprintf("%v port %d", v.Key.From, v.Key.Port), v.Gate.String()
	case op.Meter != nil:
		v := op.Meter
		name, key = "meter", fmt.Sprintf("%v port %d", v.Key.Addr, v.Key.Port)
	case op.Flow != nil:
		v := op.Flow
		name, key, value = "flow", fmt.Sprint(v.Number), v.Flow.String()
	}
	if op.Delete {
		return "-" + name + " " + key
	}
	return strings.TrimSuffix("+"+name+" "+key+" "+value, " ")
}

// String renders "02:00:00:00:00:01".
func (h HW) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", h[0], h[1], h[2], h[3], h[4], h[5])
}

// String renders "gateway 02:00:00:00:00:01 mtu 1500".
func (l Link) String() string { return fmt.Sprintf("gateway %v mtu %d", l.Gateway, l.MTU) }

// String renders "port 1 tentative capture proxy", with the words that apply.
func (l Local) String() string {
	s := fmt.Sprintf("port %d", l.Port)
	return s + word(l.Tentative, " tentative") + word(l.Capture, " capture") + word(l.Proxy, " proxy")
}

// String renders "mtu 1460 default".
func (h Host) String() string { return fmt.Sprintf("mtu %d", h.MTU) + word(h.Default, " default") }

// String renders "agent tunnel 2001:db8::1>2001:db8::2 out 0 mtu 1500", with the parts that its mode uses.
func (p Path) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", p.Side, p.Mode)
	if p.Local.IsValid() || p.Remote.IsValid() {
		fmt.Fprintf(&b, " %v>%v", p.Local, p.Remote)
	}
	fmt.Fprintf(&b, " out %d", p.Out)
	if p.MTU != 0 {
		fmt.Fprintf(&b, " mtu %d", p.MTU)
	}
	b.WriteString(toward(p.To))
	if p.Mode == Hold || p.Keep {
		fmt.Fprintf(&b, " limit %d age %v", p.Limit, p.Age)
		if p.Octets != 0 {
			fmt.Fprintf(&b, " octets %d", p.Octets)
		}
		if p.Policy != "" {
			fmt.Fprintf(&b, " drop %s", p.Policy)
		}
	}
	if p.Dedup != 0 {
		fmt.Fprintf(&b, " dedup %v", p.Dedup)
	}
	if p.Settle != 0 {
		fmt.Fprintf(&b, " settle %v", p.Settle)
	}
	return b.String() + word(p.Keep, " keep") + word(p.Control, " control") + word(p.Hints, " hints") + word(p.Mark, " mark") + word(p.Capture, " capture")
}

// String renders "2001:db8::1>2001:db8::2 out 1 mtu 1400 copy until 5s", with the parts that are set.
func (w Way) String() string {
	var b strings.Builder
	if w.Local.IsValid() || w.Remote.IsValid() {
		fmt.Fprintf(&b, "%v>%v ", w.Local, w.Remote)
	}
	fmt.Fprintf(&b, "out %d%s", w.Out, toward(w.To))
	if w.MTU != 0 {
		fmt.Fprintf(&b, " mtu %d", w.MTU)
	}
	if w.Copy {
		fmt.Fprintf(&b, " copy until %v", w.Until)
	}
	return b.String()
}

// String renders "mobile care-of 2001:db8::1 out 1 mtu 1400 capture", with the parts that are set.
func (r Route) String() string {
	s := fmt.Sprintf("%s care-of %v out %d", r.Side, r.CareOf, r.Out)
	if r.MTU != 0 {
		s += fmt.Sprintf(" mtu %d", r.MTU)
	}
	return s + word(r.Capture, " capture")
}

// String renders "open" or "closed".
func (g Gate) String() string {
	if g.Open {
		return "open"
	}
	return "closed"
}

// String renders "2001:db8::/64>all proto 17 ports 0>5060 dscp 46 rate 12500 burst 3000 way 2", with the parts that are set.
func (f Flow) String() string {
	any := func(p netip.Prefix) string {
		if !p.IsValid() {
			return "all"
		}
		return p.String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s>%s", any(f.Src), any(f.Dst))
	if f.Proto != 0 {
		fmt.Fprintf(&b, " proto %d", f.Proto)
	}
	if f.SrcPort != 0 || f.DstPort != 0 {
		fmt.Fprintf(&b, " ports %d>%d", f.SrcPort, f.DstPort)
	}
	if f.Mark {
		fmt.Fprintf(&b, " dscp %d", f.DSCP)
	}
	if f.Rate != 0 {
		fmt.Fprintf(&b, " rate %d burst %d", f.Rate, f.Burst)
	}
	if f.Way != 0 {
		fmt.Fprintf(&b, " way %d", f.Way)
	}
	return b.String()
}

func toward(h HW) string {
	if h == (HW{}) {
		return ""
	}
	return " to " + h.String()
}

func word(on bool, w string) string {
	if on {
		return w
	}
	return ""
}
