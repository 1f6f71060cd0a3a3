//go:build linux

package lab

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"roam6/scenario"
)

// Packets are lost at the model's rate, and every loss is accounted for. The link loses only from the moment on when the nodes know
// each other's link-layer addresses: a solicitation that is lost makes a kernel wait for a second, which is no rate of the model's.
func TestLoss(t *testing.T) {
	needLab(t)
	p := triangle(scenario.LinkModel{}, scenario.LinkModel{})
	p.Flows = []scenario.Flow{probe(time.Millisecond, 300*time.Millisecond, 2500*time.Millisecond)}
	p.Actions = []scenario.Action{{At: 500 * time.Millisecond, Verb: scenario.Degrade, Segment: "left", Link: scenario.LinkModel{Loss: 0.1}, Handover: -1}}
	p.Length = 2700 * time.Millisecond
	e, s := run(t, p, Config{})
	if len(e.didAt) != 1 {
		t.Fatalf("the world did %v", e.did)
	}
	sent, received := 0, 0
	for k, at := range e.sent {
		if at < e.didAt[0] {
			continue
		}
		sent++
		if len(e.received[k]) > 0 {
			received++
		}
	}
	quiet := isQuiet(t, s, e)
	if quiet && (len(e.sent) != 4400 || sent < 3900) {
		t.Fatalf("%d packets sent, %d of them through loss, want 4400 and about 4000", len(e.sent), sent)
	}
	if quiet && e.dropped[dropSendFail] > 0 {
		t.Fatalf("the kernel did not take %d packets", e.dropped[dropSendFail])
	}
	rate := 1 - float64(received)/float64(sent)
	if quiet && math.Abs(rate-0.1) > 0.02 {
		t.Errorf("%.1f %% lost, the model says 10 %%; dropped %v", 100*rate, e.dropped)
	}
	if drawn := float64(e.dropped[dropLoss]) / float64(sent); math.Abs(drawn-0.1) > 0.05 {
		t.Errorf("the emulator lost %.1f %%, the model says 10 %%", 100*drawn)
	}
	if lost := len(e.sent) - len(e.received); quiet && e.dropped[dropLoss] < lost {
		t.Errorf("%d packets are missing, dropped %v", lost, e.dropped)
	}
}

// Duplicates and reordering reach the applications.
func TestDuplicateAndReorder(t *testing.T) {
	needLab(t)
	p := triangle(scenario.LinkModel{Duplicate: 0.2, Reorder: 0.1, ReorderBy: 10 * time.Millisecond}, scenario.LinkModel{})
	p.Flows = []scenario.Flow{probe(2*time.Millisecond, 300*time.Millisecond, 1300*time.Millisecond)}
	p.Length = 1500 * time.Millisecond
	e, _ := run(t, p, Config{})
	twice := 0
	for _, at := range e.received {
		if len(at) == 2 {
			twice++
		}
	}
	if twice < 100 || twice > 320 {
		t.Errorf("%d of 1000 packets came twice, about 200 should", twice)
	}
	if slices.IsSorted(e.order) {
		t.Error("nothing was reordered")
	}
}

// A detached interface gets nothing and sends nothing; attached again it goes on with the same sockets.
func TestDetachAttach(t *testing.T) {
	needLab(t)
	p := triangle(scenario.LinkModel{}, scenario.LinkModel{Delay: 10 * time.Millisecond})
	p.Flows = []scenario.Flow{probe(2*time.Millisecond, 300*time.Millisecond, 1900*time.Millisecond)}
	p.Actions = []scenario.Action{
		{At: 800 * time.Millisecond, Verb: scenario.Detach, Node: "b", Iface: "eth0", Handover: 0},
		{At: 1200 * time.Millisecond, Verb: scenario.Attach, Node: "b", Iface: "eth0", Segment: "right", Handover: 0},
	}
	p.Length = 2 * time.Second
	var progress []string
	e, s := run(t, p, Config{Progress: func(_ time.Duration, what string) { progress = append(progress, what) }})
	quiet := isQuiet(t, s, e)
	var before, during, after int
	for k, at := range e.received {
		switch sent := e.sent[k]; {
		case at[0] < e.didAt[0]+time.Millisecond: // the action is told just before it is done
			before++
		case k == key(0, true, k[1]) && sent < e.didAt[0]+time.Millisecond:
			// b had sent it before it left: it arrives a link delay later
		case at[0] < e.didAt[1]:
			during++
			if !quiet {
				continue // what the receiving kernel had taken came to the application late
			}
			t.Errorf("a packet sent at %v came at %v, while the receiver or sender was detached", sent, at[0])
		default:
			after++
		}
	}
	if quiet && (before < 400 || after < 500) || before == 0 || after == 0 || len(e.did) != 2 || len(progress) != 3 {
		t.Errorf("%d packets before, %d during, %d after; did %v; progress %q; dropped %v", before, during, after, e.did, progress, e.dropped)
	}
}

func TestExec(t *testing.T) {
	l := up(t, Config{Plan: triangle(scenario.LinkModel{}, scenario.LinkModel{})})
	in, give, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	take, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(give, "through\n")
	give.Close()
	status, err := l.Exec(t.Context(), "b", []string{"/bin/sh", "-c", `read x; echo "$x $Y"; cat /proc/self/net/if_inet6; exit 7`},
		[3]*os.File{in, out, out}, []string{"Y=env", "PATH=/usr/bin:/bin"})
	out.Close()
	said, _ := io.ReadAll(take)
	if err != nil || status != 7 {
		t.Errorf("status %d, %v", status, err)
	}
	if s := string(said); !strings.HasPrefix(s, "through env\n") || !strings.Contains(s, "20010db8000b00000000000000000001") {
		t.Errorf("the program in b said %q", s)
	}
	if _, err := l.Exec(t.Context(), "b", []string{"/no/such"}, [3]*os.File{}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that does not exist: %v", err)
	}
	if _, err := l.Exec(t.Context(), "zz", []string{"true"}, [3]*os.File{}, nil); err == nil || !strings.Contains(err.Error(), "a, b, r") {
		t.Errorf("a node that does not exist: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	want := 128 + int(syscall.SIGHUP)
	if hupIgnored() { // under nohup, and so for every program started from here
		want = 128 + int(syscall.SIGKILL)
	}
	if status, err := l.Exec(ctx, "b", []string{"sleep", "100"}, [3]*os.File{}, nil); err != nil || status != want {
		t.Errorf("a program ended by its context: status %d, %v; want %d", status, err, want)
	}
}

func TestCaptures(t *testing.T) {
	needLab(t)
	p := triangle(scenario.LinkModel{}, scenario.LinkModel{})
	p.Flows = []scenario.Flow{probe(10*time.Millisecond, 300*time.Millisecond, 800*time.Millisecond)}
	p.Length = time.Second
	dir, begin := t.TempDir(), time.Now()
	e, _ := run(t, p, Config{CaptureDir: dir})
	for _, c := range []struct {
		segment string
		senders []string
	}{{"left", []string{"a/eth0", "r/eth0"}}, {"right", []string{"b/eth0", "r/eth1"}}} {
		flow, senders := readCapture(t, filepath.Join(dir, c.segment+".pcapng"), begin)
		if flow < len(e.received) || flow > len(e.sent) || e.dropped[dropTape] > 0 {
			t.Errorf("%s: %d packets of the flow, of which %d were sent and %d came; dropped %v", c.segment, flow, len(e.sent), len(e.received), e.dropped)
		}
		if !slices.Equal(senders, c.senders) {
			t.Errorf("%s: senders %q, want %q", c.segment, senders, c.senders)
		}
	}
}

// readCapture counts the UDP packets with a right checksum and names the interfaces.
func readCapture(t *testing.T, file string, begin time.Time) (udp int, senders []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	last := begin
	for {
		data, info, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if info.Timestamp.Before(last) || info.Timestamp.After(time.Now()) {
			t.Errorf("%s: a packet at %v after one at %v", file, info.Timestamp, last)
		}
		last = info.Timestamp
		p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
		if p.ErrorLayer() != nil {
			t.Errorf("%s: %v", file, p.ErrorLayer().Error())
		}
		if u, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP); ok {
			udp++
			u.SetNetworkLayerForChecksum(p.NetworkLayer())
			if err, wrong := p.VerifyChecksums(); len(wrong) > 0 || err != nil {
				t.Errorf("%s: checksum wrong: %v %v", file, wrong, err)
			}
		}
	}
	for k := range r.NInterfaces() {
		i, err := r.Interface(k)
		if err != nil {
			t.Fatal(err)
		}
		senders = append(senders, i.Name)
	}
	slices.Sort(senders)
	return udp, senders
}

// A run that is interrupted says so, and what it told stands.
func TestInterrupted(t *testing.T) {
	needLab(t)
	p := triangle(scenario.LinkModel{}, scenario.LinkModel{})
	p.Flows = []scenario.Flow{probe(2*time.Millisecond, 0, time.Hour)}
	p.Length = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	e := newEar(t)
	_, err := Run(ctx, Config{Plan: p, Recorder: e})
	if !errors.Is(err, context.DeadlineExceeded) || len(e.received) == 0 {
		t.Errorf("%v, %d packets told", err, len(e.received))
	}
}

func TestCheck(t *testing.T) {
	for want, spoil := range map[string]func(p *scenario.Plan){
		"there is no segment \"nowhere\"": func(p *scenario.Plan) { p.Nodes[0].Ifaces[0].Segment = "nowhere" },
		"that of a/eth0 too":              func(p *scenario.Plan) { p.Nodes[1].Ifaces[0].HW = p.Nodes[0].Ifaces[0].HW },
		"not a unicast":                   func(p *scenario.Plan) { p.Nodes[1].Ifaces[0].HW[0] = 1 },
		"names must be there and unique":  func(p *scenario.Plan) { p.Nodes[1].Name = "a" },
		"1 to 15 characters":              func(p *scenario.Plan) { p.Nodes[1].Ifaces[0].Name = "averyveryverylongname" },
		"has no interface \"eth7\"": func(p *scenario.Plan) {
			p.Actions = []scenario.Action{{Verb: scenario.Detach, Node: "a", Iface: "eth7"}}
		},
		"runs no engine": func(p *scenario.Plan) { p.Actions = []scenario.Action{{Verb: scenario.Crash, Node: "a"}} },
		"65000 at most":  func(p *scenario.Plan) { f := probe(1, 0, 1); f.Size = 1 << 20; p.Flows = []scenario.Flow{f} },
	} {
		p := triangle(scenario.LinkModel{}, scenario.LinkModel{})
		spoil(p)
		if _, err := New(Config{Plan: p}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// What a socket had later is not told as having come earlier, whatever the clocks say.
func TestArrivalsKeepTheirOrder(t *testing.T) {
	var a arrivals
	for i, c := range []struct{ clocks, want nanos }{{5, 5}, {9, 9}, {8, 9}, {9, 9}, {12, 12}} {
		if got := a.next(c.clocks); got != c.want {
			t.Errorf("packet %d: %d, want %d", i, got, c.want)
		}
	}
}
