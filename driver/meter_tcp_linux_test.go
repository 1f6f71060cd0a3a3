package driver

import (
	"io"
	"net"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"roam6/driver/ebpf/yard"
	"roam6/plane"
)

// apart has packets of TCP cross the links of a yard one by one, as they come from other machines to a router that merges nothing.
func apart(t testing.TB, b *routerBed) {
	t.Helper()
	if _, err := exec.LookPath("ethtool"); err != nil {
		t.Skip("no ethtool (apt-get install ethtool)")
	}
	for name, ifs := range map[string][]string{"mn": {"mn0"}, "ha": {"ha0", "ha1"}, "cn": {"cn0"}} {
		for _, ifname := range ifs {
			must(t, b.In(name, func() error {
				return exec.Command("ethtool", "-K", ifname, "tso", "off", "gso", "off", "gro", "off").Run()
			}))
		}
	}
}

// talk sends so many octets each way by one connection from the station, and gives what the station's TCP says of it: the segments it has
// sent and received, each as on a wire, whatever was merged. calm says that nothing was sent twice at either end.
func talk(t *testing.T, b *routerBed, octets int) (info *unix.TCPInfo, calm bool) {
	t.Helper()
	var l net.Listener
	must(t, b.In("cn", func() (err error) {
		l, err = net.ListenTCP("tcp6", &net.TCPAddr{IP: yard.CN.AsSlice()})
		return err
	}))
	defer l.Close()
	served := make(chan *unix.TCPInfo, 1)
	go func() {
		defer close(served)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err = io.Copy(io.Discard, c); err != nil {
			return
		}
		if _, err = c.Write(make([]byte, octets)); err == nil && c.(*net.TCPConn).CloseWrite() == nil {
			served <- tcpInfo(t, c.(*net.TCPConn))
		}
	}()
	var c *net.TCPConn
	must(t, b.In("mn", func() (err error) {
		c, err = net.DialTCP("tcp6", &net.TCPAddr{IP: station.AsSlice()}, l.Addr().(*net.TCPAddr))
		return err
	}))
	defer c.Close()
	_, err := c.Write(make([]byte, octets))
	must(t, err)
	must(t, c.CloseWrite())
	_, err = io.Copy(io.Discard, c)
	must(t, err)
	far := <-served
	if far == nil {
		t.Fatal("the far end failed")
	}
	info = tcpInfo(t, c)
	return info, info.Total_retrans+far.Total_retrans+info.Rcv_ooopack+far.Rcv_ooopack == 0
}

func tcpInfo(t *testing.T, c *net.TCPConn) (info *unix.TCPInfo) {
	raw, err := c.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { info, _ = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	}
	if err != nil || info == nil {
		t.Error("TCP says nothing of a connection: ", err)
	}
	return info
}

// What TCP sends is counted segment by segment, headers and all, where nothing is merged. Where segments are merged, their payload is counted
// to the octet and packets and headers are too few (decision 19).
func TestMetersOfTCP(t *testing.T) {
	const octets = 1 << 18
	const headers, ofSYN = 40 + 32, 8 // IPv6, TCP with timestamps; a SYN has more options
	for _, merged := range []bool{false, true} {
		b := newRouterBed(t, PlaneSoft)
		if !merged {
			apart(t, b)
		}
		own := plane.MeterKey{Addr: station, Port: accessPort}
		calm := false
		for tries := 0; !calm && tries < 20; tries++ { // a busy machine repeats segments, and tells of them in more options
			b.do(t, meterOf(own.Addr, own.Port, true), meterOf(own.Addr, own.Port, false))
			var info *unix.TCPInfo
			info, calm = talk(t, b, octets)
			up, down := uint64(info.Segs_out), uint64(info.Segs_in)
			got := b.measure(t, own)[own]
			for late := time.Now().Add(patience); !merged && got.Down.Packets < down && time.Now().Before(late); time.Sleep(time.Millisecond) {
				got = b.measure(t, own)[own] // the last acknowledgement may be on its way
			}
			t.Logf("merged %v: counted %+v and %+v, TCP has sent %d and received %d segments", merged, got.Up, got.Down, up, down)
			if !merged && (got.Up.Packets != up || got.Down.Packets != down) {
				t.Errorf("counted %d and %d packets, TCP %d and %d", got.Up.Packets, got.Down.Packets, up, down)
			}
			up, down = got.Up.Packets, got.Down.Packets
			if most := uint64(octets / 1500); merged && (up > most || down > most) {
				t.Errorf("%d and %d packets of %d octets each way: nothing was merged", up, down, octets)
			}
			want := [2]uint64{octets + up*headers + ofSYN, octets + down*headers + ofSYN}
			if have := [2]uint64{got.Up.Octets, got.Down.Octets}; calm && have != want {
				t.Errorf("merged %v: counted %d octets, want %d", merged, have, want)
			}
		}
		if !calm {
			t.Log("segments were always repeated: octets were not compared")
		}
	}
}

// BenchmarkMerged is what a router that counts forwards of TCP, with packets merged and without: the price of counts that are exact.
func BenchmarkMerged(b *testing.B) {
	for _, merged := range []bool{true, false} {
		b.Run(map[bool]string{true: "merged", false: "apart"}[merged], func(b *testing.B) {
			y := homeYard(b)
			bed := &routerBed{Yard: y}
			if !merged {
				apart(b, bed)
			}
			for b.Loop() {
				rate, err := y.TCP("cn", yard.CN, "mn", time.Second, "-B", station.String())
				must(b, err)
				b.ReportMetric(rate/1e9, "Gb/s")
			}
		})
	}
}
