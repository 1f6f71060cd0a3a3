package plane

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire/ip6"
)

// Small sets of keys, so that drawn tables and Ops meet often.
var drawAddr = rapid.Custom(func(t *rapid.T) netip.Addr {
	a := netip.MustParseAddr("2001:db8::").As16()
	a[7] = byte(rapid.IntRange(0, 1).Draw(t, "net"))
	a[15] = byte(rapid.IntRange(0, 3).Draw(t, "host"))
	return netip.AddrFrom16(a)
})

var drawPath = rapid.Custom(func(t *rapid.T) Path {
	return Path{
		Side:  rapid.SampledFrom([]Side{Mobile, Agent}).Draw(t, "side"),
		Mode:  rapid.SampledFrom([]Mode{Direct, Tunnel, Hold}).Draw(t, "mode"),
		Local: drawAddr.Draw(t, "local"), Remote: drawAddr.Draw(t, "remote"),
		Out: Port(rapid.IntRange(0, 2).Draw(t, "out")), MTU: rapid.SampledFrom([]int{0, 1280, 1400}).Draw(t, "mtu"),
		Limit: rapid.IntRange(0, 3).Draw(t, "limit"), Age: time.Duration(rapid.IntRange(0, 2).Draw(t, "age")),
		Capture: rapid.Bool().Draw(t, "capture"),
		Octets:  rapid.SampledFrom([]int{0, 0, 100}).Draw(t, "octets"), Policy: rapid.SampledFrom([]DropPolicy{"", Newest, Oldest}).Draw(t, "policy"),
		Keep: rapid.Bool().Draw(t, "keep"), To: drawHW.Draw(t, "to"),
		Dedup: time.Duration(rapid.SampledFrom([]int{0, 0, 3}).Draw(t, "dedup")), Control: rapid.Bool().Draw(t, "control"),
		Mark: rapid.Bool().Draw(t, "mark"), Settle: time.Duration(rapid.SampledFrom([]int{0, 0, 4}).Draw(t, "settle")),
	}
})

var drawHW = rapid.Custom(func(t *rapid.T) HW { return HW{5: byte(rapid.IntRange(0, 1).Draw(t, "hw"))} })

var drawPrefix = rapid.Custom(func(t *rapid.T) netip.Prefix {
	return netip.PrefixFrom(drawAddr.Draw(t, "addr"), rapid.SampledFrom([]int{64, 126, 128}).Draw(t, "bits"))
})

// drawExtra is an Op about what few addresses have.
var drawExtra = rapid.Custom(func(t *rapid.T) (op Op) {
	switch rapid.IntRange(0, 4).Draw(t, "extra") {
	case 0:
		op.Way = &WayOp{WayKey{drawPrefix.Draw(t, "inner"), uint16(rapid.IntRange(0, 3).Draw(t, "id"))}, Way{
			Local: drawAddr.Draw(t, "local"), Remote: drawAddr.Draw(t, "remote"), Out: Port(rapid.IntRange(0, 2).Draw(t, "out")), To: drawHW.Draw(t, "to"),
			MTU: rapid.SampledFrom([]int{0, 1280}).Draw(t, "mtu"), Copy: rapid.Bool().Draw(t, "copy"), Until: time.Duration(rapid.IntRange(0, 60).Draw(t, "until"))}}
		if rapid.IntRange(0, 3).Draw(t, "direct") == 0 {
			op.Way.Way.Local, op.Way.Way.Remote = netip.Addr{}, netip.Addr{}
		}
	case 1:
		op.Route = &RouteOp{Pair{drawAddr.Draw(t, "mobile"), drawAddr.Draw(t, "peer")}, Route{Side: rapid.SampledFrom([]Side{Mobile, Peer, Agent}).Draw(t, "side"),
			CareOf: drawAddr.Draw(t, "care-of"), Out: Port(rapid.IntRange(0, 2).Draw(t, "out")), MTU: rapid.SampledFrom([]int{0, 1280}).Draw(t, "mtu"),
			Capture: rapid.Bool().Draw(t, "capture")}}
	case 2:
		op.Gate = &GateOp{GateKey{drawPrefix.Draw(t, "from"), Port(rapid.IntRange(0, 2).Draw(t, "port"))}, Gate{rapid.Bool().Draw(t, "open")}}
	case 3:
		op.Meter = &MeterOp{Key: MeterKey{drawAddr.Draw(t, "metered"), Port(rapid.IntRange(0, 2).Draw(t, "port"))}}
	case 4:
		f := Flow{Proto: rapid.SampledFrom([]uint8{0, 17}).Draw(t, "proto"), DstPort: uint16(rapid.IntRange(0, 1).Draw(t, "port")),
			Mark: rapid.Bool().Draw(t, "mark"), DSCP: uint8(rapid.IntRange(0, 63).Draw(t, "dscp")), Rate: rapid.SampledFrom([]int{0, 0, 1000}).Draw(t, "rate"),
			Burst: rapid.SampledFrom([]int{0, 100}).Draw(t, "burst"), Way: uint16(rapid.IntRange(0, 3).Draw(t, "way"))}
		if rapid.Bool().Draw(t, "by address") {
			f.Src, f.Dst = drawPrefix.Draw(t, "src").Masked(), drawPrefix.Draw(t, "dst")
		}
		op.Flow = &FlowOp{uint32(rapid.IntRange(0, 5).Draw(t, "number")), f}
	}
	return op
})

var drawOp = rapid.Custom(func(t *rapid.T) Op {
	op := Op{}
	switch rapid.IntRange(0, 6).Draw(t, "target") {
	default:
		op = drawExtra.Draw(t, "extra")
	case 0:
		op.Link = &LinkOp{Port(rapid.IntRange(1, 2).Draw(t, "port")), Link{HW{5: byte(rapid.IntRange(0, 1).Draw(t, "hw"))}, rapid.SampledFrom([]int{0, 1280, 1500}).Draw(t, "mtu")}}
	case 1:
		op.Local = &LocalOp{drawAddr.Draw(t, "addr"), Local{Port(rapid.IntRange(0, 2).Draw(t, "port")),
			rapid.Bool().Draw(t, "tentative"), rapid.Bool().Draw(t, "capture"), rapid.Bool().Draw(t, "proxy")}}
	case 2:
		op.Host = &HostOp{drawAddr.Draw(t, "addr"), Host{rapid.IntRange(0, 1).Draw(t, "mtu"), rapid.Bool().Draw(t, "default")}}
	case 3:
		op.Path = &PathOp{netip.PrefixFrom(drawAddr.Draw(t, "addr"), rapid.SampledFrom([]int{64, 126, 128}).Draw(t, "bits")), drawPath.Draw(t, "path")}
	}
	op.Delete = rapid.IntRange(0, 3).Draw(t, "delete") == 0
	return op
})

var drawTable = rapid.Custom(func(t *rapid.T) Table {
	var table Table
	for _, op := range rapid.SliceOfN(drawOp, 0, 12).Draw(t, "ops") {
		table.Apply(op)
	}
	return table
})

// same compares tables; a nil map is an empty one.
func same(a, b Table) bool { return len(Diff(a, b)) == 0 && len(Diff(b, a)) == 0 }

func TestDiffLeadsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := drawTable.Draw(t, "from"), drawTable.Draw(t, "to")
		ops := Diff(from, to)
		if again := Diff(from, to); !reflect.DeepEqual(again, ops) {
			t.Fatalf("equal tables gave\n%v\nand\n%v", ops, again)
		}
		before := from.Clone()
		got := from.Clone()
		for _, op := range ops {
			got.Apply(op)
		}
		if !same(got, to) || !reflect.DeepEqual(orEmpty(got), orEmpty(to)) {
			t.Fatalf("applied %v:\n%+v\nwant\n%+v", ops, got, to)
		}
		if !reflect.DeepEqual(before, from) {
			t.Fatal("changing a clone changed the table")
		}
		if left := Diff(to, to); len(left) != 0 {
			t.Fatalf("Diff of a table with itself: %v", left)
		}
		if len(ops) > 0 && len(Diff(from, applied(from, ops[:len(ops)-1]))) == len(ops) {
			t.Fatal("an Op changed nothing")
		}
	})
}

func applied(t Table, ops []Op) Table {
	t = t.Clone()
	for _, op := range ops {
		t.Apply(op)
	}
	return t
}

// orEmpty makes nil maps empty, so that DeepEqual takes them as equal.
func orEmpty(t Table) Table {
	e := Table{map[Port]Link{}, map[netip.Addr]Local{}, map[netip.Addr]Host{}, map[netip.Prefix]Path{},
		map[WayKey]Way{}, map[Pair]Route{}, map[GateKey]Gate{}, map[MeterKey]Meter{}, map[uint32]Flow{}}
	return applied(e, Diff(e, t))
}

func TestDiffMovesBeforeItRemoves(t *testing.T) {
	var from, to Table
	old := Op{Link: &LinkOp{1, Link{MTU: 1500}}}
	from.Apply(old)
	from.Apply(pathOp(hoa, Path{Side: Mobile, Mode: Direct, Out: 1}))
	to.Apply(Op{Link: &LinkOp{2, Link{MTU: 1500}}})
	to.Apply(pathOp(hoa, Path{Side: Mobile, Mode: Direct, Out: 2}))
	var got []string
	for _, op := range Diff(from, to) {
		got = append(got, op.String())
	}
	want := []string{
		"+link 2 gateway 00:00:00:00:00:00 mtu 1500",
		"+path 2001:db8:0:1::100/128 mobile direct out 2",
		"-link 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestOpString(t *testing.T) {
	for _, c := range []struct {
		op   Op
		want string
	}{
		{Op{Link: &LinkOp{1, Link{HW{2, 0, 0, 0, 0, 0xaf}, 1500}}}, "+link 1 gateway 02:00:00:00:00:af mtu 1500"},
		{Op{Local: &LocalOp{coa, Local{1, true, true, true}}}, "+local 2001:db8:a::100 port 1 tentative capture proxy"},
		{Op{Local: &LocalOp{coa, Local{}}}, "+local 2001:db8:a::100 port 0"},
		{Op{Host: &HostOp{hoa, Host{1460, true}}}, "+host 2001:db8:0:1::100 mtu 1460 default"},
		{Op{Delete: true, Host: &HostOp{hoa, Host{}}}, "-host 2001:db8:0:1::100"},
		{pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa, MTU: 1400, Capture: true}),
			"+path 2001:db8:0:1::100/128 agent tunnel 2001:db8:0:1::1>2001:db8:a::100 out 0 mtu 1400 capture"},
		{pathOp(hoa, Path{Side: Mobile, Mode: Hold, Limit: 5, Age: time.Second}),
			"+path 2001:db8:0:1::100/128 mobile hold out 0 limit 5 age 1s"},
		{pathOp(hoa, Path{Side: Agent, Mode: Direct, Out: 1, To: HW{2}, Keep: true, Limit: 5, Octets: 900, Policy: Oldest, Dedup: time.Second, Control: true}),
			"+path 2001:db8:0:1::100/128 agent direct out 1 to 02:00:00:00:00:00 limit 5 age 0s octets 900 drop oldest dedup 1s keep control"},
		{Op{Way: &WayOp{WayKey{host(hoa), 2}, Way{Local: coa, Remote: ha, Out: 1, MTU: 1400, Copy: true, Until: time.Second}}},
			"+way 2001:db8:0:1::100/128 2 2001:db8:a::100>2001:db8:0:1::1 out 1 mtu 1400 copy until 1s"},
		{Op{Way: &WayOp{WayKey{host(hoa), 2}, Way{Out: 1, To: HW{2}}}}, "+way 2001:db8:0:1::100/128 2 out 1 to 02:00:00:00:00:00"},
		{Op{Delete: true, Way: &WayOp{Key: WayKey{host(hoa), 2}}}, "-way 2001:db8:0:1::100/128 2"},
		{Op{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Peer, CareOf: coa, Out: 1, MTU: 1400, Capture: true}}},
			"+route 2001:db8:0:1::100>2001:db8:c::1 peer care-of 2001:db8:a::100 out 1 mtu 1400 capture"},
		{Op{Gate: &GateOp{GateKey{host(coa), 1}, Gate{}}}, "+gate 2001:db8:a::100/128 port 1 closed"},
		{Op{Meter: &MeterOp{Key: MeterKey{coa, 1}}}, "+meter 2001:db8:a::100 port 1"},
		{Op{Delete: true, Meter: &MeterOp{Key: MeterKey{coa, 1}}}, "-meter 2001:db8:a::100 port 1"},
		{Op{Gate: &GateOp{GateKey{host(coa), 1}, Gate{Open: true}}}, "+gate 2001:db8:a::100/128 port 1 open"},
		{Op{Flow: &FlowOp{7, Flow{Src: host(cn), Proto: 17, DstPort: 5060, Mark: true, DSCP: 46, Rate: 1000, Burst: 300, Way: 2}}},
			"+flow 7 2001:db8:c::1/128>all proto 17 ports 0>5060 dscp 46 rate 1000 burst 300 way 2"},
		{Op{Flow: &FlowOp{Number: 7}}, "+flow 7 all>all"},
	} {
		if got := c.op.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestApplyRefusesWrongOps(t *testing.T) {
	for _, op := range []Op{{}, {Link: &LinkOp{}, Host: &HostOp{}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("an Op with other than one target was applied: %+v", op)
				}
			}()
			new(Table).Apply(op)
		}()
	}
}

func TestGroupsAndCaptures(t *testing.T) {
	var table Table
	far := netip.MustParseAddr("2001:db8:b::100") // same solicited-node group as coa
	for _, op := range []Op{
		{Local: &LocalOp{coa, Local{Port: 1, Tentative: true}}},
		{Local: &LocalOp{far, Local{Port: 1}}},
		{Local: &LocalOp{ha, Local{Port: 2, Capture: true}}},
		{Local: &LocalOp{hoa, Local{Port: 2, Proxy: true}}},
		{Path: &PathOp{netip.PrefixFrom(hoa, 64), Path{Capture: true}}},
		pathOp(hoa, Path{Capture: true}),
		pathOp(cn, Path{}),
	} {
		table.Apply(op)
	}
	group := func(a netip.Addr) netip.Addr { return ip6.SolicitedNode(a) }
	for port, want := range map[Port][]netip.Addr{
		1: {ip6.AllNodes, group(coa)},
		2: {ip6.AllNodes, group(ha), group(hoa)},
		3: {ip6.AllNodes},
	} { //order:any each by itself
		if got := table.Groups(port); !slices.Equal(got, want) {
			t.Errorf("Groups(%d) = %v, want %v", port, got, want)
		}
	}
	for i, capture := range []bool{true, true, false} {
		peer := []netip.Addr{ha, coa, hoa}[i]
		table.Apply(Op{Route: &RouteOp{Pair{[]netip.Addr{far, far, coa}[i], peer}, Route{Side: Peer, Capture: capture}}})
	}
	want := []netip.Prefix{netip.MustParsePrefix("2001:db8:0:1::/64"), host(ha), host(hoa), host(far)}
	if got := table.Captures(); !slices.Equal(got, want) {
		t.Errorf("Captures() = %v, want %v", got, want)
	}
	if got := (Table{}).Captures(); got != nil {
		t.Errorf("an empty table captures %v", got)
	}
}
