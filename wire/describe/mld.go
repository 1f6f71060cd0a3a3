package describe

import (
	"errors"
	"fmt"
	"time"

	"roam6/wire"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// Lengths of multicast listener discovery in octets.
const (
	listener1    = 24 // a message of version 1, RFC 2710 §3; a query of just this length is of version 1 (RFC 3810 §8.1)
	listenerHead = 8  // of a version 2 report before its records, RFC 3810 §5.2
	recordHead   = 20 // of a Multicast Address Record before its sources, §5.2.4
	queryHead    = 28 // of a version 2 query before its sources, §5.1
)

var query1 = layout{"Multicast Listener Query", "RFC 2710 §3", []field{
	{"Maximum Response Delay", 4, 2, millis},
	{"Multicast Address", 8, 16, queried},
}}

var query2 = []field{
	{"Maximum Response Code", 4, 2, func(b []byte) string { return coded(b, responseDelay(b), time.Millisecond, "ms") }},
	{"Multicast Address", 8, 16, queried},
	{"S Flag", 24, 1, func(b []byte) string {
		if b[0]&8 != 0 {
			return "1 (suppress router-side processing)"
		}
		return "0"
	}},
	{"QRV", 24, 1, func(b []byte) string {
		return optional(dec, "the Querier's Robustness Variable is not told")([]byte{b[0] & 7})
	}},
	{"QQIC", 25, 1, func(b []byte) string { return coded(b, queryInterval(b), time.Second, "s") }},
	{"Number of Sources (N)", 26, 2, dec},
}

var report1 = []field{{"Maximum Response Delay", 4, 2, optional(millis, "only of queries")}, {"Multicast Address", 8, 16, address}}

var report2 = []field{{"Nr of Mcast Address Records (M)", 6, 2, dec}}

var record = layout{"Multicast Address Record", "RFC 3810 §5.2.4", []field{
	{"Record Type", 0, 1, named(recordType)},
	{"Aux Data Len", 1, 1, func(b []byte) string { return fmt.Sprintf("%d (%s)", b[0], count(4*int(b[0]))) }},
	{"Number of Sources (N)", 2, 2, dec},
	{"Multicast Address", 4, 16, address},
}}

// recordType names the types of RFC 3810 §5.2.12.
func recordType(t uint8) string {
	names := []string{"", "MODE_IS_INCLUDE", "MODE_IS_EXCLUDE", "CHANGE_TO_INCLUDE_MODE", "CHANGE_TO_EXCLUDE_MODE",
		"ALLOW_NEW_SOURCES", "BLOCK_OLD_SOURCES"}
	if int(t) < len(names) {
		return names[t]
	}
	return ""
}

func queried(b []byte) string {
	if [16]byte(b) == [16]byte{} {
		return ":: (General Query)"
	}
	return address(b)
}

// coded shows the time that a code means, and the code where it is no number of units.
func coded(b []byte, means, unit time.Duration, name string) string {
	n := uint64(means / unit)
	if n == number(b) {
		return fmt.Sprintf("%d %s (%v)", n, name, means)
	}
	return fmt.Sprintf("%d %s (%v, code %s)", n, name, means, hex(b))
}

// responseDelay is the Maximum Response Delay of a code, RFC 3810 §5.1.3.
func responseDelay(b []byte) time.Duration {
	code := number(b)
	if code >= 1<<15 {
		code = (code&0xfff | 0x1000) << (code>>12&7 + 3)
	}
	return time.Duration(code) * time.Millisecond
}

// queryInterval is the Querier's Query Interval of a code, RFC 3810 §5.1.9.
func queryInterval(b []byte) time.Duration {
	code := number(b)
	if code >= 1<<7 {
		code = (code&0xf | 0x10) << (code>>4&7 + 3)
	}
	return time.Duration(code) * time.Second
}

// alert shows the value of a Router Alert option, RFC 2711 §2.1.
func alert(b []byte) string {
	if number(b) == 0 {
		return "0 (Multicast Listener Discovery)"
	}
	return dec(b)
}

// listener shows a message of multicast listener discovery behind its first four octets.
func (c *chain) listener(t *Tree, b []byte, base int) {
	left := MaxOptions // sources that are shown
	switch b[0] {
	case icmp6.TypeListenerQuery:
		if len(b) == listener1 {
			t.Ref = query1.ref
			t.Kids = append(t.Kids, rows(b, base, query1.fields, c.cut)...)
			return
		}
		t.Kids = append(t.Kids, rows(b, base, query2, c.cut)...)
		if len(b) >= queryHead {
			t.Kids = append(t.Kids, c.sources(b, base, queryHead, int(number(b[26:28])), &left)...)
		}
	case icmp6.TypeListenerReport:
		t.Kids = append(t.Kids, rows(b, base, report2, c.cut)...)
		if len(b) >= listenerHead {
			t.Kids = append(t.Kids, c.records(b, base, int(number(b[6:8])), &left)...)
		}
	default:
		t.Kids = append(t.Kids, rows(b, base, report1, c.cut)...)
	}
}

// records shows n records, as far as they are there.
func (c *chain) records(b []byte, base, n int, left *int) (out []Tree) {
	at := listenerHead
	for i := range n {
		if i == MaxOptions && at < len(b) {
			return append(out, Tree{Name: "more", Offset: base + at, Len: len(b) - at, Value: fmt.Sprintf("%d records not shown", n-i)})
		}
		if at >= len(b) {
			break // the codec says that records are missing
		}
		r := Tree{Name: record.name, Ref: record.ref, Offset: base + at, Kids: rows(b[at:], base+at, record.fields, c.cut)}
		size := len(b) - at
		if size >= recordHead {
			r.Value = recordBrief(b[at:])
			sources := int(number(b[at+2 : at+4]))
			r.Kids = append(r.Kids, c.sources(b, base, at+recordHead, sources, left)...)
			data := at + recordHead + 16*sources
			aux := 4 * int(b[at+1])
			if aux > 0 && data+aux <= len(b) {
				r.Kids = append(r.Kids, Tree{Name: "Auxiliary Data", Offset: base + data, Len: aux, Value: octets(b[data : data+aux])})
			}
			size = min(size, data+aux-at)
		}
		r.Len = size
		out = append(out, r)
		at += size
	}
	return out
}

// sources shows n source addresses at an offset, as far as they are there and few enough are shown.
func (c *chain) sources(b []byte, base, at, n int, left *int) (out []Tree) {
	for ; n > 0 && at+16 <= len(b); n-- {
		if *left == 0 {
			return append(out, Tree{Name: "more", Offset: base + at, Len: 16, Value: fmt.Sprintf("%d source addresses not shown", n)})
		}
		*left--
		out = append(out, Tree{Name: "Source Address", Offset: base + at, Len: 16, Value: address(b[at : at+16])})
		at += 16
	}
	return out
}

// listenerBrief is what a message says besides its name.
func listenerBrief(b []byte) string {
	switch {
	case len(b) < listenerHead:
		return ""
	case b[0] == icmp6.TypeListenerReport:
		s, at, n := "", listenerHead, int(number(b[6:8]))
		for i := range min(n, maxBrief) {
			if at+recordHead > len(b) {
				break
			}
			s += map[bool]string{true: ", ", false: " "}[i > 0] + recordBrief(b[at:])
			at += recordHead + 16*int(number(b[at+2:at+4])) + 4*int(b[at+1])
		}
		return s + andMore(n)
	case len(b) < listener1:
		return ""
	case b[0] == icmp6.TypeListenerReport1:
		return " version 1, listens " + address(b[8:24])
	case b[0] == icmp6.TypeListenerDone:
		return " version 1, leaves " + address(b[8:24])
	}
	s, within := "", responseDelay(b[4:6])
	if len(b) == listener1 {
		s, within = " version 1,", time.Duration(number(b[4:6]))*time.Millisecond
	}
	if [16]byte(b[8:24]) == [16]byte{} {
		s += " general"
	} else {
		s += " " + address(b[8:24])
	}
	if len(b) >= queryHead {
		s += fromSources(int(number(b[26:28])))
	}
	return s + fmt.Sprintf(" within %v", within)
}

// recordBrief is a record in words.
func recordBrief(b []byte) string {
	group, sources := address(b[4:20]), int(number(b[2:4]))
	from := fromSources(sources)
	switch kind := b[0]; {
	case (kind == icmp6.ModeIsExclude || kind == icmp6.ChangeToExclude) && sources > 0:
		return "listens " + group + " but not" + from
	case kind == icmp6.ModeIsExclude:
		return "listens " + group
	case kind == icmp6.ChangeToExclude:
		return "joins " + group
	case kind == icmp6.ChangeToInclude && sources == 0:
		return "leaves " + group
	case kind == icmp6.ModeIsInclude || kind == icmp6.ChangeToInclude:
		return "listens " + group + " only" + from
	case kind == icmp6.AllowNewSources:
		return "allows " + group + from
	case kind == icmp6.BlockOldSources:
		return "blocks " + group + from
	}
	return fmt.Sprintf("record %d %s", b[0], group+from)
}

func fromSources(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return " from 1 source"
	}
	return fmt.Sprintf(" from %d sources", n)
}

// judgeListener puts on the packet's headers what a listener message asks of them.
func (c *chain) judgeListener(t *Tree, kind uint8) {
	p := ip6.Packet{Header: ip6.Header{HopLimit: c.hopLimit, Src: c.src, Dst: c.dst}}
	if whole, err := ip6.Parse(c.b); err == nil {
		p.RouterAlert = whole.RouterAlert
	}
	var at *wire.Error
	if !errors.As(icmp6.CheckListener(kind, &p), &at) {
		return
	}
	why := map[string]string{
		"Hop Limit":      fmt.Sprintf("%v in %s: must be %d", at.Err, t.Name, icmp6.ListenerHopLimit),
		"Source Address": fmt.Sprintf("%v in %s: must be link-local", at.Err, t.Name),
		"Router Alert":   fmt.Sprintf("%s needs a Router Alert option in hop-by-hop options before it", t.Name),
	}[at.Field]
	c.t.find(c.base + at.Offset).fail(why)
}
