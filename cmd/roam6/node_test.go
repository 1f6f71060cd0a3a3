package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"roam6/driver"
	"roam6/engine"
	"roam6/machine/peers"
	"roam6/plane"
)

const haYAML = `name: ha
links: [{name: eth0, port: 1}]
roles:
  - ha:
      address: 2001:db8:0:1::a
      port: 1
      prefix: 2001:db8:0:1::/64
      mobiles:
        - {home_address: 2001:db8:0:1::100, security: {auth: {spi: 256, key: 000102030405060708090a0b0c0d0e0f}}}
`

// lived runs a home agent on a made-up machine until it has sent a few advertisements, and gives its files.
func lived(t *testing.T) (journal, config string) {
	t.Helper()
	dir := t.TempDir()
	journal, config = filepath.Join(dir, "journal"), filepath.Join(dir, "ha.yaml")
	if err := os.WriteFile(config, []byte(haYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	c, text, err := readNode(config)
	if err != nil {
		t.Fatal(err)
	}
	seed := [32]byte{1, 2, 3}
	engines, err := enginesOf(c, seed)
	if err != nil {
		t.Fatal(err)
	}
	j, err := openJournal(journal)
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{}, 1000)
	host := &driver.Memory{OnSend: func(plane.Port, plane.HW, []byte) error { sent <- struct{}{}; return nil }}
	n, err := driver.New(driver.Config{Name: c.Name, Engines: engines, Host: host, Journal: j, Links: []driver.Link{{Port: 1, Ifname: "eth0"}},
		JournalHeader: &driver.JournalHeader{Node: c.Name, Build: built(), Config: digest(text), Seed: hex.EncodeToString(seed[:])}})
	if err != nil {
		t.Fatal(err)
	}
	host.SetLink(engine.LinkUp{Port: 1, Name: "eth0", HW: plane.HW{2, 0, 0, 0, 0, 1}, MTU: 1500}, true)
	done := make(chan error)
	go func() { done <- n.Run(t.Context()) }()
	for range 5 {
		<-sent
	}
	if err := errors.Join(n.Close(), <-done, j.Close()); err != nil {
		t.Fatal(err)
	}
	return journal, config
}

func TestReplay(t *testing.T) {
	silence(t)
	journal, config := lived(t)
	if err := replay(journal, config, "", true); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	header, rest, _ := bytes.Cut(text, []byte("\n"))
	for name, c := range map[string]struct {
		journal []byte
		seed    string
		status  int
		says    string
	}{
		"without header":             {rest, "", exitUsage, "give the seed with --seed"},
		"the seed by hand":           {rest, "010203" + strings.Repeat("0", 58), exitDone, ""},
		"another seed":               {rest, strings.Repeat("77", 32), exitFailed, "the replay differs"},
		"a seed that is too short":   {rest, "0102", exitUsage, "64 hexadecimal digits"},
		"an effect that was not so":  {bytes.Replace(text, []byte(`"out":"send","value":{"port":1,`), []byte(`"out":"send","value":{"port":2,`), 1), "", exitFailed, `"port": 2`},
		"a kill behind a whole line": {text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1], "", exitDone, ""},
		"no journal":                 {append(append(bytes.Clone(header), '\n'), "hello\nworld\n"...), "", exitUsage, "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(journal, c.journal, 0o600); err != nil {
				t.Fatal(err)
			}
			err := replay(journal, config, c.seed, false)
			var said bytes.Buffer
			if got := conclude(&said, nil, err); got != c.status || !strings.Contains(said.String(), c.says) {
				t.Errorf("status %d, want %d with %q: %s", got, c.status, c.says, &said)
			}
		})
	}
}

// TestJournalsAreKept: a node that fails again and again does not write over what explains the first time at once.
func TestJournalsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for i := range oldJournals + 3 {
		f, err := openJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(f, "%s%c", driver.JournalMagic, 'a'+i)
		f.Close()
	}
	var got string
	for _, name := range []string{"", ".1", ".2", ".3", ".4", ".5", ".6"} {
		b, _ := os.ReadFile(path + name)
		got += strings.TrimPrefix(string(b), driver.JournalMagic)
	}
	if got != "hgfedc" {
		t.Errorf("kept %q", got)
	}
}

// TestJournalsReplaceOnlyJournals: a mistyped path must not move somebody's file, or a device, out of its place.
func TestJournalsReplaceOnlyJournals(t *testing.T) {
	for text, ours := range map[string]bool{"": true, `{"roam`: true, driver.JournalMagic + "1": true, "nameserver ::1\n": false, "{}": false} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := openJournal(path)
		if (err == nil) != ours {
			t.Errorf("over %q: %v", text, err)
		}
		if err == nil {
			f.Close()
		}
		if _, err := os.Lstat(path + ".1"); (err == nil) != ours {
			t.Errorf("over %q: %v", text, err)
		}
	}
	if _, err := openJournal(t.TempDir()); err == nil {
		t.Error("a directory was moved away")
	}
	link := filepath.Join(t.TempDir(), "null")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(link); err == nil {
		t.Error("a link to a device was moved away")
	}
}

// TestNotify plays systemd.
func TestNotify(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "30000")
	n, err := driver.New(driver.Config{Name: "x", Host: &driver.Memory{}, Engines: []driver.Engine{{Name: "idle", Engine: idle{}}}})
	if err != nil {
		t.Fatal(err)
	}
	stop := notify(t.Context(), n, slog.New(slog.DiscardHandler))
	go n.Run(context.Background())
	hear := func() string {
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		b := make([]byte, 100)
		k, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:k])
	}
	for i, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := hear(); got != want {
			t.Fatalf("message %d: %q, want %q", i, got, want)
		}
	}
	stop()
	for got := hear(); got != "STOPPING=1"; got = hear() {
		if got != "WATCHDOG=1" {
			t.Fatalf("at the end: %q", got)
		}
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// idle is an engine that does nothing.
type idle struct{}

func (idle) Handle(engine.Now, engine.Input, *engine.Effects) {}
func (idle) Deadline() (engine.Mono, string)                  { return engine.Never, "" }
func (idle) View() any                                        { return nil }

// TestTeller: an event becomes a line of the log; dropped messages only when asked for.
func TestTeller(t *testing.T) {
	var b bytes.Buffer
	l := newTeller(slog.New(slog.NewTextHandler(&b, nil)))
	l.event(0, "mn", engine.Event{Name: engine.EventStep, Reason: "router", Attrs: []engine.Attr{{Key: "step", Value: "link up"}}})
	l.event(0, "mn", engine.Event{Name: engine.EventDrop, Reason: "bad-checksum"})
	l.event(0, "driver", engine.Event{Name: driver.EventKernel, Reason: "no"})
	l.close()
	got := b.String()
	if !strings.Contains(got, `level=INFO msg=step engine=mn reason=router step="link up"`) ||
		!strings.Contains(got, "level=WARN msg=driver.kernel") || strings.Contains(got, "bad-checksum") {
		t.Errorf("log:\n%s", got)
	}
}

// logged is the log of events at their times.
func logged(list ...told) string {
	var b bytes.Buffer
	l := newTeller(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelInfo})))
	for _, e := range list {
		l.event(e.at, e.engine, e.event)
	}
	l.close()
	return b.String()
}

// TestPeerLines: what becomes of peers is in the log of whoever looks at it without asking for more.
func TestPeerLines(t *testing.T) {
	state := func(machine, from, to, why string) engine.Event {
		return engine.Event{Name: engine.EventState, Reason: why, Attrs: []engine.Attr{engine.S("machine", machine), engine.S("peer", "p.example"), engine.S("from", from), engine.S("to", to)}}
	}
	for _, c := range []struct {
		event engine.Event
		want  string // without time; "" is nothing
	}{
		{state("peer", "closed", "r-open", ""), "level=INFO msg=peer.opened engine=aaa peer=p.example"},
		{state("peer", "wait-i-cea", "i-open", ""), "level=INFO msg=peer.opened engine=aaa peer=p.example"},
		{state("peer", "closed", "wait-conn-ack", ""), ""},
		{state("peer", "r-open", "closed", "reset"), "level=WARN msg=peer.closed engine=aaa reason=reset peer=p.example"},
		{state("peer", "i-open", "closing", peers.Disconnected), "level=INFO msg=peer.closed engine=aaa reason=peer-disconnects peer=p.example"},
		{state("peer", "closing", "closed", "peer-closed"), ""},
		{state("peer", "wait-i-cea", "closed", "tls-failed"), "level=WARN msg=peer.not-opened engine=aaa reason=tls-failed peer=p.example"},
		{state("watchdog", "initial", "okay", ""), ""},
		{state("watchdog", "okay", "suspect", "peer-silent"), "level=WARN msg=peer.suspect engine=aaa reason=peer-silent peer=p.example"},
		{state("watchdog", "suspect", "okay", ""), "level=INFO msg=peer.back engine=aaa peer=p.example"},
		{state("watchdog", "reopen", "okay", ""), "level=INFO msg=peer.back engine=aaa peer=p.example"},
		{state("dad", "a", "b", ""), ""},
		{engine.Event{Name: peers.EventRefused, Reason: peers.WrongName, Attrs: []engine.Attr{engine.S("peer", "p.example"), engine.S("certificate", "q.example")}},
			"level=WARN msg=peer.refused engine=aaa reason=peer-tls-name peer=p.example certificate=q.example"},
		{engine.Event{Name: peers.EventRefusedUs, Attrs: []engine.Attr{engine.S("peer", "p.example"), engine.S("result", "3010"), engine.S("says", "")}},
			"level=WARN msg=peer.refused-us engine=aaa peer=p.example result=3010"},
	} {
		_, got, _ := strings.Cut(strings.TrimSpace(logged(told{0, "aaa", c.event})), " ")
		if got != c.want {
			t.Errorf("%+v:\n%s\nwant\n%s", c.event, got, c.want)
		}
	}
}

// TestLogIsBounded: nobody fills the disk by connecting, and nobody who floods keeps others' troubles out of the log.
func TestLogIsBounded(t *testing.T) {
	var list []told
	add := func(at time.Duration, name, peer string) {
		list = append(list, told{at, "aaa", engine.Event{Name: name, Reason: "r", Attrs: []engine.Attr{engine.S("peer", peer)}}})
	}
	for i := range 100 {
		add(time.Duration(i)*100*time.Millisecond, peers.EventRefusedUs, "one.example")
	}
	got := logged(list...)
	if n := strings.Count(got, "\n"); n != lineBurst {
		t.Errorf("one trouble, 10 s: %d lines", n)
	}
	add(70*time.Second, peers.EventRefusedUs, "one.example")
	if got = logged(list...); !strings.Contains(got, fmt.Sprintf("left_out=%d", 100-lineBurst)) {
		t.Errorf("what was left out is not told: %s", got)
	}
	list = nil
	for i := range 3000 {
		add(time.Duration(i)*time.Millisecond, peers.EventRefused, fmt.Sprintf("x%d.example", i))
	}
	add(3*time.Second, peers.EventRefusedUs, "two.example")
	got = logged(list...)
	if n := strings.Count(got, "\n"); n < strangerBurst || n > strangerBurst+5 || !strings.Contains(got, "two.example") {
		t.Errorf("strangers for 3 s: %d lines, with two.example: %v", n, strings.Contains(got, "two.example"))
	}
	b := newBounds()
	for i := range 3 * maxTroubles {
		b.take(lineOf(engine.Event{Name: peers.EventRefused, Attrs: []engine.Attr{engine.S("peer", fmt.Sprint(i))}}), 0)
	}
	if len(b.theirs) > maxTroubles {
		t.Errorf("%d troubles are remembered", len(b.theirs))
	}
	b.take(lineOf(engine.Event{Name: peers.EventRefused, Attrs: []engine.Attr{engine.S("peer", "later")}}), time.Hour)
	if len(b.theirs) > maxTroubles-1 {
		t.Errorf("%d troubles are remembered an hour later", len(b.theirs))
	}
}

func TestQuoted(t *testing.T) {
	for in, want := range map[string]string{"commute": "commute", "flows=[]": "'flows=[]'", "it's": `'it'\''s'`} {
		if got := quoted(in); got != want {
			t.Errorf("quoted(%s) = %s", in, got)
		}
	}
}

// A journal named /dev/null made the machine's /dev/null an ordinary file: old journals are renamed, and so was the device.
func TestJournalLeavesOtherThingsAlone(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, sub} {
		before, _ := os.Lstat(path)
		if f, err := openJournal(path); err == nil {
			f.Close()
			t.Errorf("a journal was opened at %s, a %v", path, before.Mode().Type())
		}
		if now, err := os.Lstat(path); err != nil || now.Mode() != before.Mode() {
			t.Errorf("%s was touched: %v %v", path, now, err)
		}
	}
}
