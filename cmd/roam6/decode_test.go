package main

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"roam6/wire/describe"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// decodeSamples are a Binding Update and a Router Solicitation, whole packets.
func decodeSamples() (bu, rs []byte) {
	home, coa, ha := netip.MustParseAddr("2001:db8:1::5"), netip.MustParseAddr("2001:db8:2::5"), netip.MustParseAddr("2001:db8:1::1")
	p := ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, HomeAddress: home, Proto: ip6.ProtoMH,
		Payload: mh.Append(nil, home, ha, &mh.BindingUpdate{Seq: 7, Ack: true, Home: true, Lifetime: 400 * time.Second, Options: mh.Options{AltCareOf: coa}})}
	hw := [6]byte{2, 0, 0, 0, 0, 5}
	local := ip6.LinkLocal(hw)
	q := ip6.Packet{Header: ip6.Header{Src: local, Dst: ip6.AllRouters, HopLimit: nd.HopLimit}, Proto: ip6.ProtoICMPv6,
		Payload: nd.Append(nil, local, ip6.AllRouters, &nd.RouterSolicitation{Options: nd.Options{SourceHW: hw}})}
	return p.Append(nil), q.Append(nil)
}

func frameOf(packet []byte) []byte {
	return append([]byte{0x33, 0x33, 0, 0, 0, 2, 2, 0, 0, 0, 0, 5, 0x86, 0xdd}, packet...)
}

// runDecode runs the command and gives its output and error.
func runDecode(t *testing.T, stdin []byte, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := decodeCmd()
	cmd.SetArgs(args)
	cmd.SetIn(bytes.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.Execute()
	return out.String(), err
}

func statusOf(err error) int {
	var f *failure
	if errors.As(err, &f) {
		return f.status
	}
	return -1
}

func capture(t *testing.T, link layers.LinkType, packets ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pcapgo.NewWriterNanos(&b)
	if err := w.WriteFileHeader(65535, link); err != nil {
		t.Fatal(err)
	}
	for i, p := range packets {
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(1700000000, int64(i)*20_000_000).UTC(), CaptureLength: len(p), Length: len(p)}
		if err := w.WritePacket(ci, p); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// captureNg has two interfaces, the second raw IP.
func captureNg(t *testing.T, frame, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriterInterface(&b, pcapgo.NgInterface{Name: "ar1-air", LinkType: layers.LinkTypeEthernet}, pcapgo.DefaultNgWriterOptions)
	if err != nil {
		t.Fatal(err)
	}
	tun, err := w.AddInterface(pcapgo.NgInterface{Name: "mn-tun", LinkType: layers.LinkTypeRaw})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range [][]byte{frame, raw} {
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(1700000000, int64(i)*1000).UTC(), CaptureLength: len(p), Length: len(p), InterfaceIndex: i * tun}
		if err := w.WritePacket(ci, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDecodeCaptures(t *testing.T) {
	bu, rs := decodeSamples()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(capture(t, layers.LinkTypeRaw, bu, rs))
	_ = z.Close()
	for name, file := range map[string][]byte{ //order:any
		"pcap raw":      capture(t, layers.LinkTypeRaw, bu, rs),
		"pcap ipv6":     capture(t, linkIPv6, bu, rs),
		"pcap ethernet": capture(t, layers.LinkTypeEthernet, frameOf(bu), frameOf(rs)),
		"pcapng":        captureNg(t, frameOf(bu), rs),
		"gzip":          zipped.Bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			out, err := runDecode(t, file, "-", "--summary")
			if err != nil {
				t.Fatal(err)
			}
			l := strings.Split(out, "\n")
			if len(l) != 3 || !strings.Contains(l[0], "0.000000  2001:db8:2::5 → 2001:db8:1::1 (home address 2001:db8:1::5) | Binding Update seq 7") ||
				!strings.Contains(l[1], "Router Solicitation") || strings.Contains(out, "!!") {
				t.Fatalf("got\n%s", out)
			}
		})
	}
}

func TestDecodeNamesTheInterface(t *testing.T) {
	bu, rs := decodeSamples()
	out, err := runDecode(t, captureNg(t, frameOf(bu), rs), "-")
	if err != nil || !strings.HasPrefix(out, "standard input packet 1 on ar1-air 2023-11-14 22:13:20.000000\n    0  Ethernet") ||
		!strings.Contains(out, "\n\nstandard input packet 2 on mn-tun ") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestDecodeOnly(t *testing.T) {
	bu, rs := decodeSamples()
	file := capture(t, layers.LinkTypeRaw, bu, rs, bu)
	for only, want := range map[string]int{"mh": 2, "nd": 1, "mh,nd": 3, "icmp6": 1, "esp": 0, "ip6": 3} { //order:any
		out, err := runDecode(t, file, "-", "--summary", "--only", only)
		if err != nil || strings.Count(out, "\n") != want {
			t.Errorf("--only %s: %v\n%s", only, err, out)
		}
	}
	if out, _ := runDecode(t, file, "-", "--summary", "--only", "nd"); !strings.HasPrefix(out, "    2 ") {
		t.Errorf("the number is not that in the file: %s", out)
	}
}

// A user who knows better than the octets is believed.
func TestDecodeAs(t *testing.T) {
	bu, rs := decodeSamples()
	damaged := bytes.Clone(bu)
	damaged[0] = 0x50
	arp := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 5, 8, 6}, make([]byte, 28)...)
	for _, c := range []struct {
		as   string
		b    []byte
		want string
	}{
		{"ip6", damaged, "Binding Update seq 7"},
		{"ether", arp, "EtherType 0x0806"},
		{"mh", bu[64 : len(bu)-1], "Binding Update"},
		{"icmp6", rs[40:47], "Router Solicitation"},
	} {
		if out, err := runDecode(t, nil, "--hex", hex.EncodeToString(c.b), "--summary"); statusOf(err) != exitUsage {
			t.Errorf("%s is recognised: %v\n%s", c.as, err, out)
		}
		out, err := runDecode(t, nil, "--hex", hex.EncodeToString(c.b), "--summary", "--as", c.as)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("--as %s: %v\n%s", c.as, err, out)
		}
	}
}

func TestDecodeJSON(t *testing.T) {
	bu, _ := decodeSamples()
	out, err := runDecode(t, capture(t, layers.LinkTypeRaw, bu), "-", "--json")
	var l packetLine
	if err == nil {
		err = json.Unmarshal([]byte(out), &l)
	}
	if err != nil || l.Packet != 1 || l.Time == nil || l.Faults != 0 || l.Tree.Layer != "ip6" || !l.Tree.Has("mh") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestDecodeCheck(t *testing.T) {
	bu, rs := decodeSamples()
	if _, err := runDecode(t, capture(t, layers.LinkTypeRaw, bu, rs), "-", "--check"); err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(bu)
	bad[len(bad)-1] ^= 1
	out, err := runDecode(t, capture(t, layers.LinkTypeRaw, bad, rs), "-", "--check", "--summary")
	if statusOf(err) != exitFailed || !strings.Contains(err.Error(), "1 of 2 packets") || !strings.Contains(out, "!! Checksum") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestDecodeUnusableInput(t *testing.T) {
	bu, _ := decodeSamples()
	good := capture(t, layers.LinkTypeRaw, bu, bu)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		stdin []byte
		args  []string
		want  string // in the error
	}{
		{"nothing asked", nil, nil, "nothing to decode"},
		{"both", nil, []string{"-", "--hex", "60"}, "either files or --hex"},
		{"two forms", nil, []string{"-", "--json", "--summary"}, "either --json or --summary"},
		{"unknown layer", nil, []string{"-", "--only", "mhh"}, "--only mhh: allowed are"},
		{"no such file", nil, []string{"/nonexistent.pcap"}, "/nonexistent.pcap: no such file"},
		{"empty file", nil, []string{empty}, "empty"},
		{"directory", nil, []string{t.TempDir()}, "is a directory"},
		{"no packets", []byte("# nothing\n"), []string{"-"}, "no packets"},
		{"not hex", []byte("60 00\nhello\n"), []string{"-"}, `standard input: line 2: 'h' is not a hex digit`},
		{"odd digits", []byte("60 0\n"), []string{"-"}, "line 1: an odd number of hex digits (3)"},
		{"capture cut", good[:len(good)-3], []string{"-"}, "standard input: packet 2: "},
		{"capture header cut", good[:10], []string{"-"}, "not a usable pcap"},
		{"other link", capture(t, layers.LinkTypeIEEE80211Radio, bu), []string{"-"}, "link type 127"},
		{"line missing", []byte("0000  60 00\n0004  60 00\n"), []string{"-"}, "line 2: offset 0x4 behind 0x2 octets"},
		{"offset lost", []byte("0000: 60 00\n60 00\n"), []string{"-"}, "line 2: no offset"},
		{"words", []byte("0000000 0060 0000 6800\n"), []string{"-"}, "line 1: 16-bit words"},
		{"long line", bytes.Repeat([]byte("60"), maxHexLine), []string{"-"}, "line 1: longer than"},
		{"long packet", []byte(strings.Repeat(strings.Repeat("60", 1000)+"\n", 140)), []string{"-"}, "line 132: a packet of more than"},
		{"unknown kind of hex", []byte("# damaged\n50 00 00 00\n"), []string{"-"}, "standard input: line 2: not recognised: 4 octets beginning with 50000000; an IPv6 packet begins with 6"},
		{"what to do about it", []byte("50\n"), []string{"-"}, "--as ip6, ether, mh, icmp6, diameter, krb5 or lwkrb"},
		{"--as", nil, []string{"--hex", "60", "--as", "ip4"}, "--as ip4: allowed are ip6, ether, mh, icmp6"},
		{"--as of a capture", good, []string{"-", "--as", "mh"}, "--as mh is for hex"},
		{"hex argument", nil, []string{"--hex", "6z"}, "--hex: line 1: 'z'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := runDecode(t, c.stdin, c.args...)
			if err == nil || statusOf(err) != exitUsage || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("status %d, error %v\n%s", statusOf(err), err, out)
			}
		})
	}
}

// dumps are texts of the same octets as the usual tools print them.
func dumps(b []byte) map[string]string {
	chars := func(p []byte) string {
		s := bytes.Clone(p)
		for i, x := range s {
			if x < ' ' || x > '~' {
				s[i] = '.'
			}
		}
		return string(s)
	}
	var xxd, xxd1, hexdump, od, octal, tcpdump, tshark strings.Builder
	tcpdump.WriteString("12:00:00.000001 IP6 2001:db8:2::5 > 2001:db8:1::1: DSTOPT mobility: BU seq#=7 AH\n")
	for at := 0; at < len(b); at += 16 {
		p := b[at:min(at+16, len(b))]
		var pairs, words []string
		for i := range p {
			pairs = append(pairs, fmt.Sprintf("%02x", p[i]))
			if i%2 == 0 {
				words = append(words, hex.EncodeToString(p[i:min(i+2, len(p))]))
			}
		}
		split := strings.Join(pairs, " ")
		if len(pairs) > 8 {
			split = strings.Join(pairs[:8], " ") + "  " + strings.Join(pairs[8:], " ")
		}
		fmt.Fprintf(&xxd, "%08x: %-39s  %s\n", at, strings.Join(words, " "), chars(p))
		fmt.Fprintf(&xxd1, "%08x: %-47s  %s\n", at, strings.Join(pairs, " "), chars(p))
		fmt.Fprintf(&hexdump, "%08x  %-48s  |%s|\n", at, split, chars(p))
		fmt.Fprintf(&od, "%06x %s\n", at, strings.Join(pairs, " "))
		fmt.Fprintf(&octal, "%07o %s\n", at, strings.Join(pairs, " "))
		fmt.Fprintf(&tcpdump, "\t0x%04x:  %s\n", at, strings.Join(words, " "))
		fmt.Fprintf(&tshark, "%04x  %-48s   %s\n", at, split, chars(p))
	}
	fmt.Fprintf(&hexdump, "%08x\n", len(b))
	fmt.Fprintf(&od, "%06x\n", len(b))
	fmt.Fprintf(&octal, "%07o\n", len(b))
	h := hex.EncodeToString(b)
	half := len(b) / 2 * 2
	return map[string]string{
		"xxd": xxd.String(), "xxd -g1": xxd1.String(), "hexdump -C": hexdump.String(), "od -Ax -tx1": od.String(), "od -tx1": octal.String(),
		"tcpdump -x": tcpdump.String(), "tshark -x": tshark.String(),
		"xxd -p": h[:half] + "\n" + h[half:] + "\n", "plain": h, "plain with 0x": "0x" + h, "upper case": strings.ToUpper(h),
		"colons": strings.ReplaceAll(strings.TrimRight(spaced(h, 2), " "), " ", ":"), "groups": spaced(h, 4), "C array": "0x" + strings.ReplaceAll(strings.TrimSpace(spaced(h, 2)), " ", ", 0x"),
		"comments": "# a binding update\n" + h[:half] + " # begins\n" + h[half:], "windows": h[:half] + "\r\n" + h[half:] + "\r\n",
	}
}

func spaced(h string, n int) string {
	var s strings.Builder
	for i := 0; i < len(h); i += n {
		s.WriteString(h[i:min(i+n, len(h))] + " ")
	}
	return s.String()
}

func TestHexForms(t *testing.T) {
	bu, rs := decodeSamples()
	for _, sample := range [][]byte{bu, rs, frameOf(rs), bu[:33], bu[:40], bu[:41]} {
		for name, text := range dumps(sample) { //order:any
			var got []input
			err := readHex("x", strings.NewReader(text+"\n"+text), func(p input) error { got = append(got, p); return nil })
			if err != nil {
				t.Errorf("%s of %d octets: %v\n%s", name, len(sample), err, text)
				continue
			}
			// Plain forms without a blank line between the two are one packet; dumps begin anew at offset 0.
			if !strings.HasSuffix(text, "\n") {
				continue
			}
			if len(got) != 2 || !bytes.Equal(got[0].data, sample) || !bytes.Equal(got[1].data, sample) {
				t.Errorf("%s of %d octets: %d packets\n%s", name, len(sample), len(got), text)
			}
		}
	}
}

func TestHexRepeatedLines(t *testing.T) {
	packet := append(bytes.Repeat([]byte{0x60}, 16), make([]byte, 64)...)
	packet = append(packet, 1, 2, 3)
	line := "60 60 60 60 60 60 60 60  60 60 60 60 60 60 60 60"
	zero := "00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00"
	for name, text := range map[string]string{ //order:any
		"hexdump -C": "00000000  " + line + "  |................|\n00000010  " + zero + "  |................|\n*\n00000050  01 02 03   |...|\n00000053\n",
		"od":         "0000000 " + line + "\n0000020 " + zero + "\n*\n0000120 01 02 03\n0000123\n",
	} {
		var got []byte
		if err := readHex("x", strings.NewReader(text), func(p input) error { got = p.data; return nil }); err != nil || !bytes.Equal(got, packet) {
			t.Errorf("%s: %v\n%x", name, err, got)
		}
	}
	err := readHex("x", strings.NewReader("00000000  "+line+"\n*\nfffffff0  00\n"), func(input) error { return nil })
	if statusOf(err) != exitUsage {
		t.Errorf("a repeat past the limit: %v", err)
	}
}

func TestHexArgument(t *testing.T) {
	bu, _ := decodeSamples()
	for name, text := range dumps(bu) { //order:any
		out, err := runDecode(t, nil, "--hex", text, "--summary")
		if err != nil || !strings.Contains(out, "Binding Update seq 7 AH") || strings.Contains(out, "!!") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestHexPacketsKnowTheirLine(t *testing.T) {
	bu, rs := decodeSamples()
	text := "\n# one\n" + hex.EncodeToString(bu) + "\n\n\n" + hex.EncodeToString(rs)
	out, err := runDecode(t, []byte(text), "-")
	if err != nil || !strings.Contains(out, "packet 1 (line 3)\n") || !strings.Contains(out, "packet 2 (line 6)\n") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// FuzzDecodeInput: whatever a file holds, the command ends with packets or with an error of status 2.
func FuzzDecodeInput(f *testing.F) {
	bu, _ := decodeSamples()
	for _, text := range dumps(bu) { //order:any
		f.Add([]byte(text))
	}
	f.Add([]byte("0000  60 00\n0002  "))
	f.Fuzz(func(t *testing.T, b []byte) {
		octets := 0
		err := readPackets("x", bytes.NewReader(b), func(p input) error {
			octets += len(p.data)
			kind, err := p.kind("")
			if err != nil {
				return err
			}
			tree := describe.Reader{}.As(kind, p.data)
			_ = tree.Summary()
			return nil
		})
		if err != nil && statusOf(err) != exitUsage {
			t.Fatalf("status %d: %v", statusOf(err), err)
		}
		if !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) && !bytes.Contains(b, []byte("*")) && octets > len(b) {
			t.Fatalf("%d octets of packets from %d", octets, len(b))
		}
	})
}
