package ha

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// elsewhere is a packet as somebody on the way sends it on: from another address. ESP in transport mode does not show it.
func elsewhere(t *testing.T, data []byte, src netip.Addr) []byte {
	t.Helper()
	p, err := ip6.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	p.Src = src
	return p.Append(nil)
}

// Whoever is on the way may write another source into a node's update, and redirects nothing: an update under ESP that leaves the
// care-of address to the source is refused, RFC 3776 §4.3, and one that names it is bound to what it names.
//
// spec MIP-02
func TestSourceIsNotProved(t *testing.T) {
	thief := netip.MustParseAddr("2001:db8:bad::1")
	b := newBench(t, espPair, nil)
	b.bind(1, coa)
	b.deliver(elsewhere(t, b.update(bu(2, time.Minute), coa2), thief))
	if v := b.view(); strings.Contains(v, thief.String()) || !strings.Contains(v, coa2.String()) {
		t.Errorf("an update that names its care-of address: %s", v)
	}
	state := b.view()
	for name, from := range map[string]netip.Addr{"as it was sent": coa, "on another way": thief} {
		effects := b.deliver(elsewhere(t, b.bare(bu(3, time.Minute), coa), from))
		if ba, _ := b.ack(effects); ba == nil || ba.Status != mh.AdministrativelyProhibited || ba.Seq != 3 {
			t.Errorf("%s: answer %+v, want status 129", name, ba)
		}
		if got := drops(effects); !slices.Equal(got, []string{"bu-refused"}) || b.view() != state || has(effects, func(engine.Plane) bool { return true }) {
			t.Errorf("%s: drops %v, state %s", name, got, b.view())
		}
	}
	// From the home address it would read as the end of the binding.
	p, _ := ip6.Parse(b.bare(bu(3, time.Minute), coa))
	p.Src, p.HomeAddress = hoa, netip.Addr{}
	if b.deliver(p.Append(nil)); b.view() != state {
		t.Errorf("an update sent on as from the home address: %s", b.view())
	}
}

// What needs no option is taken without: the end of a binding, from wherever, RFC 4285, whose authenticator covers the care-of address,
// and RFC 5648, whose options carry it.
//
// spec MIP-02 MIP-03 MIP-08
func TestCareOfWithoutOption(t *testing.T) {
	for name, from := range map[string]netip.Addr{"away": coa, "from home": hoa} {
		b := newBench(t, espPair, nil)
		b.bind(1, coa)
		end := ip6.Packet{Header: ip6.Header{Src: from, Dst: haAddr}}
		if from != hoa {
			end.HomeAddress = hoa
		}
		if b.deliver(b.mn.Protect(b.now, end, bu(2, 0), &engine.Effects{})); b.a.mobiles[hoa].binding != nil {
			t.Errorf("the end of a binding, %s: refused", name)
		}
	}
	b := newBench(t, authPair, nil)
	effects := append(b.deliver(b.bare(bu(1, time.Minute), coa)), b.pass(1100*time.Millisecond)...)
	if ba, _ := b.ack(effects); ba == nil || ba.Status != mh.Accepted {
		t.Errorf("RFC 4285: %+v", ba)
	}
	effects = b.deliver(elsewhere(t, b.bare(bu(2, time.Minute), coa), coa2))
	if has(effects, func(engine.Plane) bool { return true }) {
		t.Error("RFC 4285: a source that was changed on the way was taken")
	}
	b = newBench(t, espPair, multihomed(Registered))
	table := &plane.Table{}
	b.feed(table, b.deliver(b.bare(severalBU(1, true, bid(1, coa)), coa2)))
	b.feed(table, b.pass(1100*time.Millisecond))
	if remote, _ := shape(table); remote != coa {
		t.Errorf("RFC 5648: packets go to %v", remote)
	}
}
