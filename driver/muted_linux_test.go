package driver

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"roam6/engine"
)

// muting reads whether IPv6 is off on an interface.
func muting(t testing.TB, ifname string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + ifname + "/disable_ipv6")
	must(t, err)
	return strings.TrimSpace(string(b))
}

// expectMuting waits for the answer, which netlink may bring a moment later.
func expectMuting(t testing.TB, e *ear, ifname, want string) {
	t.Helper()
	late := time.After(patience)
	for muting(t, ifname) != want {
		select {
		case f := <-e.do:
			f()
		case <-e.inputs:
		case <-late:
			t.Fatalf("disable_ipv6 of %s is not %s", ifname, want)
		}
	}
}

func switchOn(t testing.TB, ifname string) {
	t.Helper()
	must(t, os.WriteFile("/proc/sys/net/ipv6/conf/"+ifname+"/disable_ipv6", []byte("0"), 0))
}

// Each link for itself: the node's alone, or shared with the kernel.
func TestMutedLinkByLink(t *testing.T) {
	fresh(t)
	wire(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0", Userland: true}, {Port: 2, Ifname: "v1"}}})
	if muting(t, "v0") != "1" || muting(t, "v1") != "0" {
		t.Error("IPv6 is to be off on v0 alone")
	}
	if m.demand.shared[1] || !m.demand.shared[2] {
		t.Errorf("shared: %v", m.demand.shared)
	}
}

// A killed node puts nothing back; the next one does, also of links that it does not want any more.
func TestMutedIsPutBackAfterAKill(t *testing.T) {
	fresh(t)
	wire(t)
	store := buckets{}
	killed := Config{Store: store, Links: []Link{{Port: 1, Ifname: "v0", Userland: true}}}
	kill := func() {
		t.Helper()
		h, err := openHost(killed)
		must(t, err)
		h.(*machine).muted = nil // so that Close puts nothing back
		must(t, h.Close())
		if muting(t, "v0") != "1" || len(store) != 1 {
			t.Fatalf("IPv6 is not off, or what was before is not kept: %v", store)
		}
	}
	kill()
	kill() // the second must not take 1 for what was before
	h, err := openHost(killed)
	must(t, err)
	must(t, h.Close())
	if muting(t, "v0") != "0" || len(store) != 0 {
		t.Errorf("not put back, or kept after that: %v", store)
	}
	kill()
	open(t, Config{Store: store, Links: []Link{{Port: 1, Ifname: "v0"}}})
	if muting(t, "v0") != "0" || len(store) != 0 {
		t.Errorf("the link is shared now, and IPv6 is still off: %v", store)
	}
}

// IPv6 that an administrator has switched off stays off; and a record of another life of the machine says nothing.
func TestMutedLeavesWhatWasOff(t *testing.T) {
	fresh(t)
	wire(t)
	must(t, os.WriteFile("/proc/sys/net/ipv6/conf/v0/disable_ipv6", []byte("1"), 0))
	store := buckets{{mutedBucket, "v0"}: []byte("0 another-life")}
	h, err := openHost(Config{Store: store, Links: []Link{{Port: 1, Ifname: "v0", Userland: true}}})
	must(t, err)
	must(t, h.Close())
	if muting(t, "v0") != "1" {
		t.Error("IPv6 was off before, and is on now")
	}
}

// A network manager switches IPv6 on again; another interface comes under the name.
func TestMutedAgain(t *testing.T) {
	fresh(t)
	wire(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0", Userland: true}}})
	e := listen(m)
	var told []string
	m.feed.Tell = func(ev engine.Event) { told = append(told, ev.Reason) }
	switchOn(t, "v0")
	expectMuting(t, e, "v0", "1")
	if len(told) != 1 || !strings.Contains(told[0], "somebody switched IPv6 of the kernel on again on v0") {
		t.Errorf("told: %q", told)
	}
	v1, err := netlink.LinkByName("v1")
	must(t, err)
	must(t, netlink.LinkDel(v1))
	wire(t)
	expectMuting(t, e, "v0", "1")
	must(t, m.Close())
	if muting(t, "v0") != "0" {
		t.Error("not put back")
	}
}

// Addresses set by hand are not taken away.
func TestMutedRefusesAddressesSetByHand(t *testing.T) {
	fresh(t)
	wire(t)
	v0, err := netlink.LinkByName("v0")
	must(t, err)
	must(t, netlink.AddrAdd(v0, &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP("2001:db8:a::5"), Mask: net.CIDRMask(64, 128)}}))
	_, err = openHost(Config{Links: []Link{{Port: 1, Ifname: "v0", Userland: true}}})
	if err == nil || !strings.Contains(err.Error(), "interface v0 holds 2001:db8:a::5/64, set by hand") {
		t.Errorf("err = %v", err)
	}
	if muting(t, "v0") != "0" {
		t.Error("IPv6 was switched off all the same")
	}
}
