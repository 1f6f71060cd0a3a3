package sim

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
)

// TestStreamTshark lets tshark judge segments: checksums, lengths and options are right, it sees the connection as we mean it (what is
// lost is sent again), the octets are those that were written, and TLS looks like TLS.
func TestStreamTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("no tshark")
	}
	le := binary.LittleEndian
	file := le.AppendUint32(nil, 0xa1b2c3d4)
	for _, v := range []uint32{2 | 4<<16, 0, 0, 1 << 18, 1} { // Ethernet
		file = le.AppendUint32(file, v)
	}
	said := strings.Repeat("0123456789abcdef", 4096)
	for k, tls := range []string{"", "p"} {
		p := peers(20 * time.Second)
		p.Seed = uint64(k) + 1         // other ports
		p.Segments[1].Link.Loss = 0.05 // behind the segment that is captured
		_, lb := talk(t, Config{Plan: p, Capture: func(segment string, at time.Duration, frame []byte) {
			if segment != "left" {
				return
			}
			at += time.Duration(k) * time.Minute
			for _, v := range []int64{int64(at / time.Second), int64(at % time.Second / time.Microsecond), int64(len(frame)), int64(len(frame))} {
				file = le.AppendUint32(file, uint32(v))
			}
			file = append(file, frame...)
		}}, dials(engine.Dial{Conn: 1, To: diameter, TLS: tls, Server: "b.example.org"}, func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
			if o, ok := in.(engine.Opened); ok {
				out.Write(o.Conn, []byte(said))
				out.Close(o.Conn)
			}
		}), func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.Start); ok {
				out.Listen(engine.Listen{Name: "x", At: diameter, TLS: tls})
			}
		})
		if string(lb.octets(2)) != said {
			t.Fatalf("%d octets came", len(lb.octets(2)))
		}
	}
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	tshark := func(args ...string) string {
		args = append([]string{"-n", "-r", path, "-o", "tcp.check_checksum:TRUE", "-d", fmt.Sprintf("tcp.port==%d,tls", diameter.Port())}, args...)
		out, err := exec.Command("tshark", args...).Output()
		if err != nil {
			t.Fatalf("tshark: %v", err)
		}
		return string(out)
	}
	want := []struct {
		field, value string // in how many packets the field has the value, or any but none
		least, most  int
	}{
		{"tcp.checksum.status", "1", 100, 1000}, // good
		{"tcp.len", "", 100, 1000},              // all segments
		{"tcp.options.mss_val", "1440", 4, 8},
		{"tcp.options.wscale.shift", "4", 4, 8},
		{"tcp.analysis.retransmission", "", 1, 1000},
		{"tcp.analysis.ack_lost_segment", "", 0, 0},
		{"tcp.analysis.lost_segment", "", 0, 0},
		{"tcp.analysis.window_full", "", 0, 0},
		{"tcp.flags.reset", "1", 0, 0},
		{"tls.handshake.extensions_server_name", "b.example.org", 1, 3},
		{"tls.handshake.type", "2", 1, 3},
		{"tls.record.opaque_type", "23", 5, 1000},
	}
	args := []string{"-T", "fields"}
	for _, w := range want {
		args = append(args, "-e", w.field)
	}
	found := make([]int, len(want))
	for line := range strings.Lines(tshark(args...)) {
		for k, value := range strings.Split(strings.TrimSuffix(line, "\n"), "\t") {
			if value != "" && (want[k].value == "" || slices.Contains(strings.Split(value, ","), want[k].value)) {
				found[k]++
			}
		}
	}
	for k, w := range want {
		if found[k] < w.least || found[k] > w.most {
			t.Errorf("%s %s: %d packets, want %d to %d", w.field, w.value, found[k], w.least, w.most)
		}
	}
	if found[0] != found[1] {
		t.Errorf("%d segments, %d of them with a good checksum", found[1], found[0])
	}
	sealed, plain, _ := strings.Cut(tshark("-q", "-z", "follow,tcp,ascii,0", "-z", "follow,tcp,ascii,1"), "tcp.stream eq 0") // the last is printed first
	if n := strings.Count(strings.ReplaceAll(plain, "\n", ""), "0123456789abcdef"); n < 4000 {
		t.Errorf("tshark finds %d of 4096 lines", n)
	}
	if strings.Contains(sealed, "0123456789abcdef") || len(sealed) < len(said) {
		t.Errorf("what TLS carries can be read, or is not there: %d octets", len(sealed))
	}
}
