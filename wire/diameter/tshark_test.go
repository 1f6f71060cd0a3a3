//go:build unix

package diameter_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// wiresharkData is where Debian keeps the dictionaries of tshark.
const wiresharkData = "/usr/share/wireshark"

// nobody is the user without rights on every Unix that has a tshark.
const nobody = 65534

// segments is a pcap file of link type RAW with each message in a TCP segment to the port of Diameter.
func segments(messages [][]byte) []byte {
	le, be := binary.LittleEndian, binary.BigEndian
	out := le.AppendUint32(nil, 0xa1b2c3d4)
	for _, v := range []uint32{2 | 4<<16, 0, 0, 1 << 18, 101} {
		out = le.AppendUint32(out, v)
	}
	seq := uint32(1)
	for i, m := range messages {
		tcp := append(make([]byte, 20), m...)
		be.PutUint16(tcp, 40000)
		be.PutUint16(tcp[2:], 3868)
		be.PutUint32(tcp[4:], seq)
		be.PutUint32(tcp[8:], 1)
		tcp[12], tcp[13] = 5<<4, 0x18
		be.PutUint16(tcp[14:], 0xffff)
		be.PutUint16(tcp[16:], ip6.Checksum(coa, ha, ip6.ProtoTCP, tcp))
		seq += uint32(len(m))
		c, h := coa.As16(), ha.As16()
		packet := append([]byte{0x60, 0, 0, 0, byte(len(tcp) >> 8), byte(len(tcp)), ip6.ProtoTCP, 64}, c[:]...)
		packet = append(append(packet, h[:]...), tcp...)
		for _, v := range []int{i, 0, len(packet), len(packet)} {
			out = le.AppendUint32(out, uint32(v))
		}
		out = append(out, packet...)
	}
	return out
}

// open makes a directory that any user may read.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "diameter")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// data is a directory of tshark's data with our dictionary in it, in the file it leaves for that.
func data(t *testing.T) string {
	t.Helper()
	dir := open(t)
	link := func(from, to string, except string) {
		entries, err := os.ReadDir(from)
		if err != nil {
			t.Skip("tshark's dictionaries are not in " + wiresharkData)
		}
		for _, e := range entries {
			if e.Name() == except {
				continue
			}
			if err := os.Symlink(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	link(wiresharkData, dir, "diameter")
	if err := os.Mkdir(filepath.Join(dir, "diameter"), 0o755); err != nil {
		t.Fatal(err)
	}
	link(filepath.Join(wiresharkData, "diameter"), filepath.Join(dir, "diameter"), "Custom.xml")
	ours, err := os.ReadFile("../../docs/diameter/wireshark.xml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "diameter", "Custom.xml"), ours, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestTshark lets tshark, with our dictionary, judge every message: nothing malformed, nothing unknown, our names, the same codes and lengths.
func TestTshark(t *testing.T) { //spec DM-02 DM-03
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("no tshark")
	}
	messages := samples()
	dir := data(t)
	file := filepath.Join(dir, "diameter.pcap")
	if err := os.WriteFile(file, segments(messages), 0o644); err != nil {
		t.Fatal(err)
	}
	tshark := func(more ...string) string {
		cmd := exec.Command("tshark", more...)
		cmd.Env = append(os.Environ(), "WIRESHARK_DATA_DIR="+dir, "HOME="+dir)
		if os.Geteuid() == 0 { // for root it looks nowhere but in the system's directory
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(string(out), "\n")
	}
	if folders := tshark("-G", "folders"); !strings.Contains(folders, dir) {
		t.Skipf("this tshark does not take its dictionaries from %s:\n%s", dir, folders)
	}
	lines := strings.Split(tshark("-n", "-r", file, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=;",
		"-e", "_ws.malformed", "-e", "_ws.expert.message", "-e", "diameter.cmd.code", "-e", "diameter.avp.code", "-e", "diameter.avp.len"), "\n")
	if len(lines) != len(messages) {
		t.Fatalf("%d lines for %d messages:\n%s", len(lines), len(messages), strings.Join(lines, "\n"))
	}
	for i, line := range lines {
		f := strings.Split(line, "\t")
		m := parse(t, messages[i])
		code, lengths := codes(m.AVPs())
		if f[0] != "" || f[1] != "" {
			t.Errorf("message %d, %s: tshark finds %q %q", i, m.CommandName(), f[0], f[1])
		}
		if f[2] != text(m.Command) || f[3] != code || f[4] != lengths {
			t.Errorf("message %d: command %s, AVPs %s, lengths %s for tshark; %d, %s, %s here", i, f[2], f[3], f[4], m.Command, code, lengths)
		}
	}
	all := tshark("-n", "-r", file, "-V")
	for _, name := range []string{"AA-Registration", "Mobile-IPv6-AAA", "MIPv6-Feature-Vector", "MN-Key-Distribution", "AES_256_GCM_16", "val=" + ha.String()} {
		if !strings.Contains(all, name) {
			t.Errorf("tshark does not know %s", name)
		}
	}
}

// codes are the codes and lengths of AVPs and of those in groups, in the order tshark shows them.
func codes(l diameter.List) (code, length string) {
	var c, n []string
	for a := range l.All() {
		head := 8
		if a.Vendor != 0 {
			head = 12
		}
		c, n = append(c, text(a.Code)), append(n, text(uint32(head+len(a.Data))))
		if d, ok := diameter.Lookup(a.Key); ok && d.Type == diameter.Grouped {
			in, _ := a.Group()
			x, y := codes(in)
			c, n = append(c, x), append(n, y)
		}
	}
	return strings.Join(c, ";"), strings.Join(n, ";")
}

func text(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
