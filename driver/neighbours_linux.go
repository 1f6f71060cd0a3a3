package driver

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"roam6/engine"
)

// tunPeer is the next hop of all our routes by the TUN. Nobody is there. Without a next hop the kernel would make a neighbour entry for
// every destination, and those are refused when the neighbour table is full, which anybody on any link of the machine can bring
// about (RFC 6583): packets would not even reach the TUN.
var tunPeer = net.IP(netip.MustParseAddr("fe80::1").AsSlice())

// addPeer makes the one entry that is needed: a permanent one, which is made when the table is full as well and never collected.
func (k *kernel) addPeer() error {
	err := k.nl.NeighSet(&netlink.Neigh{LinkIndex: k.index, Family: unix.AF_INET6, State: netlink.NUD_PERMANENT, IP: tunPeer})
	if err != nil {
		return fmt.Errorf("neighbour %v on %s: %w", tunPeer, k.tun, err)
	}
	return nil
}

// neighboursEvery is how often the kernel is asked whether its neighbour table was full.
const neighboursEvery = 5 * time.Second

// neighbours watches the kernel's count of entries that found no room.
type neighbours struct {
	quit   chan struct{}
	socket *nl.SocketHandle // nil: none could be opened, and nothing is watched
}

func newNeighbours() *neighbours { return &neighbours{quit: make(chan struct{})} }

// open opens the socket, in the namespace of the calling thread.
func (n *neighbours) open() {
	if s, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_ROUTE); err == nil {
		n.socket = &nl.SocketHandle{Socket: s}
	}
}

func (n *neighbours) stop() { close(n.quit) }

// close comes after watch has ended.
func (n *neighbours) close() {
	if n.socket != nil {
		n.socket.Close()
	}
}

// watch tells of each period in which the table was full.
func (n *neighbours) watch(f Feed) {
	tick := time.NewTicker(neighboursEvery)
	defer tick.Stop()
	last, ok := n.fulls()
	for ok {
		select {
		case <-n.quit:
			return
		case <-tick.C:
		}
		now, there := n.fulls()
		if ev := fullEvent(last, now); there && ev != nil && !f.Do(func() { f.Tell(*ev) }) {
			return
		}
		if there {
			last = now
		}
	}
}

// fullEvent tells of a count that has grown; nil for one that has not.
func fullEvent(last, now uint64) *engine.Event {
	if now <= last {
		return nil
	}
	return &engine.Event{Name: EventNeighbours, Reason: "the kernel's neighbour table was full, and packets were lost for want of an entry: " +
		"somebody floods a link of this machine with addresses, or it is too small (net.ipv6.neigh.default.gc_thresh3); " +
		"SECURITY.md says what to do", Attrs: []engine.Attr{engine.S("times", fmt.Sprint(now-last))}}
}

// Where the kernel says how often its neighbour table was full: the attributes of RTM_GETNEIGHTBL (linux/neighbour.h), and in struct
// ndt_stats the counter ndts_table_fulls, after ten others of 64 bits.
const (
	ndtaName      = 1
	ndtaStats     = 7
	sizeofNdtMsg  = 4
	ndtsTableFull = 10 * 8
	ndiscTable    = "ndisc_cache"
)

// fulls is that counter since the machine's start, of all network namespaces; false where the kernel does not say.
func (n *neighbours) fulls() (uint64, bool) {
	if n.socket == nil {
		return 0, false
	}
	req := nl.NewNetlinkRequest(unix.RTM_GETNEIGHTBL, unix.NLM_F_DUMP)
	req.AddData(&nl.RtGenMsg{RtGenmsg: unix.RtGenmsg{Family: unix.AF_INET6}})
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: n.socket}
	messages, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWNEIGHTBL)
	if err != nil {
		return 0, false
	}
	for _, m := range messages {
		if count, ok := parseTableFulls(m); ok {
			return count, true
		}
	}
	return 0, false
}

// parseTableFulls reads one RTM_NEWNEIGHTBL message.
func parseTableFulls(m []byte) (n uint64, ok bool) {
	if len(m) < sizeofNdtMsg {
		return 0, false
	}
	attrs, err := nl.ParseRouteAttr(m[sizeofNdtMsg:])
	if err != nil {
		return 0, false
	}
	ndisc := false
	for _, a := range attrs {
		switch {
		case a.Attr.Type == ndtaName:
			ndisc = string(bytes.TrimRight(a.Value, "\x00")) == ndiscTable
		case a.Attr.Type&^unix.NLA_F_NESTED == ndtaStats && len(a.Value) >= ndtsTableFull+8:
			n, ok = binary.NativeEndian.Uint64(a.Value[ndtsTableFull:]), true
		}
	}
	return n, ok && ndisc
}
