package main

import (
	"encoding/binary"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"roam6/wire/ip6"
)

// wiresharkData is where Debian keeps the dictionaries of tshark.
const wiresharkData = "/usr/share/wireshark"

// powerless is the user without rights on every Unix that has a tshark.
const powerless = 65534

// judged has tshark, with our dictionary, read every message that nodes wrote or were given: it finds nothing malformed, no AVP that it does not
// know, and as many messages as we do.
func judged(t *testing.T, nodes ...*tape) { //spec DM-02 DM-03
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Log("no tshark, so nobody else has read the messages (apt-get install tshark)")
		return
	}
	var messages [][]byte
	for _, e := range nodes {
		e.mu.Lock()
		for _, m := range e.list {
			messages = append(messages, m.raw)
		}
		e.mu.Unlock()
	}
	dir := dictionaries(t)
	file := filepath.Join(dir, "exchange.pcap")
	if err := os.WriteFile(file, segments(messages), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tshark", "-n", "-r", file, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=;",
		"-e", "_ws.malformed", "-e", "_ws.expert.message", "-e", "diameter.cmd.code", "-e", "diameter.avp.unknown")
	cmd.Env = append(os.Environ(), "WIRESHARK_DATA_DIR="+dir, "HOME="+dir)
	if os.Geteuid() == 0 { // for root it looks nowhere but in the system's directory
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: powerless, Gid: powerless}}
	}
	said, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	read := strings.Split(strings.TrimSuffix(string(said), "\n"), "\n")
	if len(read) != len(messages) {
		t.Fatalf("tshark reads %d messages, here are %d:\n%s", len(read), len(messages), said)
	}
	for i, line := range read {
		if f := strings.Split(line, "\t"); f[0] != "" || f[1] != "" || f[2] == "" || f[3] != "" {
			t.Errorf("message %d: tshark finds %q in %x", i, f, messages[i])
		}
	}
	t.Logf("tshark has read %d messages", len(messages))
}

// segments is a pcap file of link type RAW with each message in TCP segments to the port of Diameter.
func segments(messages [][]byte) []byte {
	le, be := binary.LittleEndian, binary.BigEndian
	out := le.AppendUint32(nil, 0xa1b2c3d4)
	for _, v := range []uint32{2 | 4<<16, 0, 0, 1 << 18, 101} {
		out = le.AppendUint32(out, v)
	}
	from, to := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	a, b := from.As16(), to.As16()
	seq := uint32(1)
	for i, m := range messages {
		tcp := append(make([]byte, 20), m...)
		be.PutUint16(tcp, 40000)
		be.PutUint16(tcp[2:], 3868)
		be.PutUint32(tcp[4:], seq)
		be.PutUint32(tcp[8:], 1)
		tcp[12], tcp[13] = 5<<4, 0x18
		be.PutUint16(tcp[14:], 0xffff)
		be.PutUint16(tcp[16:], ip6.Checksum(from, to, ip6.ProtoTCP, tcp))
		seq += uint32(len(m))
		packet := append([]byte{0x60, 0, 0, 0, byte(len(tcp) >> 8), byte(len(tcp)), ip6.ProtoTCP, 64}, a[:]...)
		packet = append(append(packet, b[:]...), tcp...)
		for _, v := range []int{i, 0, len(packet), len(packet)} {
			out = le.AppendUint32(out, uint32(v))
		}
		out = append(out, packet...)
	}
	return out
}

// dictionaries is a directory of tshark's data with docs/diameter/wireshark.xml in it, in the file it leaves for that.
func dictionaries(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "diameter") // any user may read it, which t.TempDir's parents do not allow
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ours, err := os.ReadFile("../../docs/diameter/wireshark.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "diameter"), 0o755),
		os.WriteFile(filepath.Join(dir, "diameter", "Custom.xml"), ours, 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, sub := range []string{"", "diameter"} {
		entries, err := os.ReadDir(filepath.Join(wiresharkData, sub))
		if err != nil {
			t.Skip("tshark's dictionaries are not in " + wiresharkData)
		}
		for _, e := range entries {
			if at := filepath.Join(sub, e.Name()); at != "diameter" && at != filepath.Join("diameter", "Custom.xml") {
				if err := os.Symlink(filepath.Join(wiresharkData, at), filepath.Join(dir, at)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return dir
}
