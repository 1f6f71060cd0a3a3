package gate

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// fresh puts the test into a network namespace of its own, or skips it.
func fresh(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // for good: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skip("needs CAP_SYS_ADMIN: ", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open is Gates, closed with the test.
func open(t *testing.T, name string) *Gates {
	g := Open(name)
	if g.err != nil {
		t.Skip(g.err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

// has says whether somebody else sees a part of a table: all, by no name.
func has(t *testing.T, kind uint16, table, name string) bool {
	t.Helper()
	n, err := openNFT()
	must(t, err)
	defer n.close()
	m := message{kind, 0, text(1, table)}
	if name != "" {
		m.attrs = append(m.attrs, text(2, name)...)
	}
	err = n.ask(m, nil)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		t.Fatal(err)
	}
	return err == nil
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// Maps come with the first gate of their length and go with the last, the table with the last of all, or with its socket.
func TestTableComesAndGoes(t *testing.T) {
	fresh(t)
	g := open(t, "roam6-x")
	own := []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")}
	table := func() bool { return has(t, unix.NFT_MSG_GETTABLE, "roam6-x", "") }
	lengths := func() (s string) {
		for n := range 129 {
			if has(t, unix.NFT_MSG_GETSET, "roam6-x", mapOf(n)) {
				s += fmt.Sprint(n, " ")
			}
		}
		return s
	}
	if table() {
		t.Error("a table before there is a gate")
	}
	for _, c := range []struct {
		from   string
		delete bool
		open   bool
		want   string
	}{
		{"2001:db8:a::/64", false, false, "64 "},
		{"2001:db8:a::/64", false, false, "64 "},
		{"2001:db8:a::9/128", false, true, "64 128 "},
		{"2001:db8:a::9/128", false, false, "64 128 "},
		{"2001:db8:b::/64", false, false, "64 128 "},
		{"::/0", false, true, "0 64 128 "},
		{"2001:db8:a::9/128", true, false, "0 64 "},
		{"2001:db8:a::9/128", true, false, "0 64 "},
		{"2001:db8:b::/64", true, false, "0 64 "},
		{"2001:db8:a::/64", true, false, "0 "},
	} {
		var err error
		if c.delete {
			err = g.Delete("eth0", prefix(c.from), own)
		} else {
			err = g.Set("eth0", prefix(c.from), c.open, own)
		}
		must(t, err)
		if got := lengths(); got != c.want {
			t.Errorf("%+v: maps %s", c, got)
		}
	}
	for _, is := range []bool{true, true, false, false} {
		must(t, g.Own(netip.MustParseAddr("2001:db8::7"), is))
	}
	must(t, g.Delete("eth0", prefix("::/0"), own))
	if table() {
		t.Error("a table without a gate")
	}
	must(t, g.Set("eth0", prefix("::/0"), false, own))
	if !table() {
		t.Error("no table with a gate")
	}
	must(t, g.Close())
	if table() {
		t.Error("the table is there after its owner")
	}
}

// After a batch that failed all is brought again with the next change, many gates too; a table of somebody else's stays his.
func TestAllAgain(t *testing.T) {
	fresh(t)
	g := open(t, "roam6-x")
	for i := range 3 * batch {
		g.wanted[place{"eth0", netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)}), 128)}] = i%2 == 0
	}
	g.bits[128] = 3 * batch
	must(t, g.Set("eth0", prefix("2001:db8:a::/64"), false, nil))
	if err := g.do([]message{g.message(unix.NFT_MSG_DELSET, 0, text(unix.NFTA_SET_NAME, "none"))}); !errors.Is(err, unix.ENOENT) || !g.Idle() {
		t.Fatalf("%v, idle %v", err, g.Idle())
	}
	must(t, g.Set("eth0", prefix("2001:db8:a::/64"), true, nil))
	if g.Idle() || g.Stopped() != 0 {
		t.Error("not brought again")
	}
	other := open(t, "roam6-x")
	if err := other.Set("eth0", prefix("::/0"), false, nil); err == nil {
		t.Error("two nodes have one table")
	}
	must(t, g.Set("eth0", prefix("2001:db8:a::/64"), false, nil))
}
