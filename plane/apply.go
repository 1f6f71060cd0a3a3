package plane

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Apply changes the table by one Op. An Op whose target is set already replaces it; deleting what is not there
// changes nothing. Keys of Paths are masked, so that one prefix has one path. It panics on an Op that does not
// have exactly one target: such an Op is a mistake in the program, not in its input.
func (t *Table) Apply(op Op) {
	switch op.target() {
	case op.Link:
		put(&t.Links, op.Delete, op.Link.Port, op.Link.Link)
	case op.Local:
		put(&t.Locals, op.Delete, op.Local.Addr, op.Local.Local)
	case op.Host:
		put(&t.Hosts, op.Delete, op.Host.Addr, op.Host.Host)
	case op.Path:
		put(&t.Paths, op.Delete, op.Path.Inner.Masked(), op.Path.Path)
	}
}

// put sets or deletes one entry of a map that may be nil.
func put[K comparable, V any](m *map[K]V, del bool, key K, value V) {
	if del {
		delete(*m, key)
		return
	}
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}

// target is the one pointer of the four that is set.
func (op Op) target() any {
	var found []any
	if op.Link != nil {
		found = append(found, op.Link)
	}
	if op.Local != nil {
		found = append(found, op.Local)
	}
	if op.Host != nil {
		found = append(found, op.Host)
	}
	if op.Path != nil {
		found = append(found, op.Path)
	}
	if len(found) != 1 {
		panic(fmt.Sprintf("plane: an Op has %d targets, want exactly one of Link, Local, Host and Path", len(found)))
	}
	return found[0]
}

// Clone is a deep copy: changing one table does not change the other.
func (t Table) Clone() Table {
	return Table{
		Links:  maps.Clone(t.Links),
		Locals: maps.Clone(t.Locals),
		Hosts:  maps.Clone(t.Hosts),
		Paths:  maps.Clone(t.Paths),
	}
}

// Diff is the shortest list of Ops that turns from into to. What is new or changed comes first, in the order in
// which one thing needs the other (links, locals, hosts, paths), then what goes away, in reverse: a path moves to its new link
// before the old link vanishes. Within a kind the order is that of the keys, so equal tables give equal lists.
func Diff(from, to Table) []Op {
	var set, del []Op
	link := func(k Port, v Link) Op { return Op{Link: &LinkOp{k, v}} }
	local := func(k netip.Addr, v Local) Op { return Op{Local: &LocalOp{k, v}} }
	host := func(k netip.Addr, v Host) Op { return Op{Host: &HostOp{k, v}} }
	path := func(k netip.Prefix, v Path) Op { return Op{Path: &PathOp{k, v}} }

	set = append(set, changed(from.Links, to.Links, cmp.Compare[Port], link)...)
	set = append(set, changed(from.Locals, to.Locals, netip.Addr.Compare, local)...)
	set = append(set, changed(from.Hosts, to.Hosts, netip.Addr.Compare, host)...)
	set = append(set, changed(from.Paths, to.Paths, comparePrefix, path)...)
	del = append(del, gone(from.Paths, to.Paths, comparePrefix, path)...)
	del = append(del, gone(from.Hosts, to.Hosts, netip.Addr.Compare, host)...)
	del = append(del, gone(from.Locals, to.Locals, netip.Addr.Compare, local)...)
	del = append(del, gone(from.Links, to.Links, cmp.Compare[Port], link)...)
	return append(set, del...)
}

// changed gives an Op for every entry of to that from lacks or has otherwise.
func changed[K, V comparable](from, to map[K]V, order func(K, K) int, op func(K, V) Op) []Op {
	var ops []Op
	for _, k := range slices.SortedFunc(maps.Keys(to), order) {
		if old, ok := from[k]; !ok || old != to[k] {
			ops = append(ops, op(k, to[k]))
		}
	}
	return ops
}

// gone gives a deleting Op for every entry of from that to lacks.
func gone[K, V comparable](from, to map[K]V, order func(K, K) int, op func(K, V) Op) []Op {
	var ops []Op
	for _, k := range slices.SortedFunc(maps.Keys(from), order) {
		if _, ok := to[k]; !ok {
			o := op(k, from[k])
			o.Delete = true
			ops = append(ops, o)
		}
	}
	return ops
}

func comparePrefix(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// String renders "+path 2001:db8::1/128 agent tunnel …" and "-path 2001:db8::1/128" for logs.
func (op Op) String() string {
	var name, key, value string
	switch v := op.target().(type) {
	case *LinkOp:
		name, key, value = "link", fmt.Sprint(v.Port), v.Link.String()
	case *LocalOp:
		name, key, value = "local", v.Addr.String(), v.Local.String()
	case *HostOp:
		name, key, value = "host", v.Addr.String(), v.Host.String()
	case *PathOp:
		name, key, value = "path", v.Inner.String(), v.Path.String()
	}
	if op.Delete {
		return "-" + name + " " + key
	}
	return "+" + name + " " + key + " " + value
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
	if p.Mode == Hold {
		fmt.Fprintf(&b, " limit %d age %v", p.Limit, p.Age)
	}
	return b.String() + word(p.Capture, " capture")
}

func word(on bool, w string) string {
	if on {
		return w
	}
	return ""
}
