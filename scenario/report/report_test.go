package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
	"roam6/scenario/report"
)

const ms = time.Millisecond

// recorded is a short run with one handover, made by hand: 300 ms without packets down, up packets held.
func recorded(t *testing.T) *scenario.Report {
	t.Helper()
	p := &scenario.Plan{
		Scenario: "test", Strategy: "mipv6", Seed: 4, Length: 2 * time.Second,
		Nodes: []scenario.Node{{Name: "mn", Ifaces: []scenario.Iface{{Name: "wlan0", Port: 1, Segment: "ar1"}}}},
		Actions: []scenario.Action{
			{At: time.Second, Verb: scenario.Detach, Node: "mn", Iface: "wlan0", Handover: 0},
			{At: 1020 * ms, Verb: scenario.Attach, Node: "mn", Iface: "wlan0", Segment: "ar2", Handover: 0},
		},
		Flows: []scenario.Flow{{Name: "voice", Mobile: "mn", Peer: "cn", Interval: 10 * ms, Stop: 1900 * ms, Probe: true, Voice: true}},
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	m.Did(time.Second, 0)
	m.Did(1020*ms, 1)
	tell := func(at time.Duration, step, waiting string) {
		var e engine.Effects
		e.Step(step, waiting)
		m.Event(at, "mn", "mn", e.List[0].(engine.Event))
	}
	tell(1050*ms, "router <found>", "duplicate address detection") // nobody says what happened since the link came up
	tell(1200*ms, "address ready", "binding acknowledgement")
	m.Event(1290*ms, "mn", "mn", engine.Event{Name: engine.EventRegistered})
	m.Dropped("no-station", 30)
	for seq := range uint32(190) {
		sent := time.Duration(seq) * 10 * ms
		m.Sent(sent, 0, true, seq)
		m.Sent(sent, 0, false, seq)
		if at := sent + 40*ms; at < time.Second || at >= 1300*ms {
			m.Received(at, 0, true, seq)
		}
		if sent < time.Second || sent >= 1300*ms {
			m.Received(sent+40*ms, 0, false, seq)
		} else {
			m.Received(1340*ms, 0, false, seq)
		}
	}
	one, none := 1, 0
	return m.Report(&scenario.Scenario{Title: "A test & nothing else", Shows: "how <it> looks"}, scenario.Expect{Handovers: &one, MaxLost: &none})
}

// golden compares with a file under testdata; UPDATE=1 rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestText(t *testing.T) { golden(t, "text.txt", report.Text(recorded(t))) }

func TestTextIsBounded(t *testing.T) {
	r := recorded(t)
	h := r.Result.Handovers[0]
	for range 1000 {
		r.Result.Handovers = append(r.Result.Handovers, h)
	}
	text := string(report.Text(r))
	if lines := strings.Count(text, "\n"); lines > 150 {
		t.Errorf("%d lines for 1,001 handovers", lines)
	}
	if !strings.Contains(text, "977 more") || !strings.Contains(text, "995 more timelines") {
		t.Errorf("what is left out is not said:\n%s", text[:3000])
	}
	if page := report.HTML(r); len(page) > 2<<20 || !bytes.Contains(page, []byte("and 989 more")) {
		t.Errorf("the page has %d octets", len(page))
	}
}

func TestPageNeedsNothingElse(t *testing.T) {
	page := string(report.HTML(recorded(t)))
	if m := regexp.MustCompile(`(?i)(src|href)\s*=|url\(|@import|https?://|fetch\(`).FindString(page); m != "" {
		t.Errorf("the page refers to something outside: %q", m)
	}
	for _, want := range []string{"<title>A test &amp; nothing else – roam6</title>", "how &lt;it&gt; looks", "router &lt;found&gt;", "prefers-color-scheme: dark",
		`role="img"`, `aria-labelledby`, "<caption>", `scope="col"`, "nobody said", "not as expected", "no-station 30", `class="loss"`, `class="delay down" d="M`, `class="delay up" d="M`, "How to read this"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("the template refused a value as unsafe")
	}
}

// Every drawing is well-formed and has a title and a description.
func TestDrawings(t *testing.T) {
	page := report.HTML(recorded(t))
	drawings := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAll(page, -1)
	if len(drawings) != 2 {
		t.Fatalf("%d drawings, want the flow and the handover", len(drawings))
	}
	for _, svg := range drawings {
		d := xml.NewDecoder(bytes.NewReader(svg))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
		}
		if !bytes.Contains(svg, []byte("<title id=")) || !bytes.Contains(svg, []byte("<desc id=")) {
			t.Error("a drawing lacks title or description")
		}
		if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Error("a drawing has a place that is no number")
		}
	}
}

// A run in which nothing happened still makes a report.
func TestEmptyRun(t *testing.T) {
	m := scenario.NewMeasure(&scenario.Plan{Scenario: "empty", Flows: []scenario.Flow{{Name: "p", Interval: ms}}}, "lab", "soft")
	r := m.Report(&scenario.Scenario{Title: "nothing"}, scenario.Expect{})
	if text := string(report.Text(r)); !strings.Contains(text, "0 handovers") {
		t.Errorf("got %s", text)
	}
	if page := report.HTML(r); !bytes.Contains(page, []byte("</html>")) || bytes.Contains(page, []byte("NaN")) {
		t.Error("the page is not whole")
	}
}
