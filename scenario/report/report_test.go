package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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

func TestText(t *testing.T) { golden(t, "text.txt", report.Text(recorded(t), 0)) }

func TestTextIsBounded(t *testing.T) {
	r := recorded(t)
	h := r.Result.Handovers[0]
	for range 1000 {
		r.Result.Handovers = append(r.Result.Handovers, h)
	}
	text := string(report.Text(r, 0))
	if lines := strings.Count(text, "\n"); lines > 110 {
		t.Errorf("%d lines for 1,001 handovers", lines)
	}
	if !strings.Contains(text, "991 more; --json has all") || !strings.Contains(text, "995 more timelines") {
		t.Errorf("what is left out is not said:\n%s", text[:3000])
	}
	if page := report.HTML(r); len(page) > 2<<20 || !bytes.Contains(page, []byte("and 989 more")) {
		t.Errorf("the page has %d octets", len(page))
	}
}

// Whatever the terminal's width, no line is longer, what is left out is named, and what matters most stays.
func TestNarrowTerminals(t *testing.T) {
	r := recorded(t)
	for i := range r.Result.Handovers {
		r.Result.Handovers[i].At += scenario.Millis(100 * time.Second)
	}
	whole := string(report.Text(r, 0))
	if got := string(report.Text(r, 118)); got != whole {
		t.Errorf("118 columns are enough, got\n%s", got)
	}
	for _, width := range []int{110, 100, 80, 74} {
		text := string(report.Text(r, width))
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("%d columns: a line of %d: %s", width, n, line)
			}
		}
		for _, want := range []string{"from → to", "out ↓ ms", "outcome", "left out: ", "octets", "what happened", "late"} {
			if !strings.Contains(text, want) {
				t.Errorf("%d columns: %q is missing in\n%s", width, want, text)
			}
		}
	}
	for _, width := range []int{60, 40, 20} {
		if text := string(report.Text(r, width)); strings.Contains(text, "left out:\n") {
			t.Errorf("%d columns: a line says that something is left out, and nothing more:\n%s", width, text)
		}
	}
	if text := string(report.Text(r, 80)); !strings.Contains(text, "(imposed blackout)  █") {
		t.Errorf("80 columns leave room for bars:\n%s", text)
	}
}

// A percentile is shown when there is enough to rank, and never for three handovers.
func TestSummaryOfMany(t *testing.T) {
	for _, c := range []struct {
		n          int
		rows, p99s int
	}{{3, 0, 0}, {24, 0, 0}, {25, 2, 0}, {99, 2, 0}, {100, 3, 2}} {
		r := recorded(t)
		h := r.Result.Handovers[0]
		h.Reason = "the sky <fell>"
		r.Result.Handovers = nil
		for range c.n {
			r.Result.Handovers = append(r.Result.Handovers, h)
		}
		text := string(report.Text(r, 0))
		if got := len(regexp.MustCompile(`(?m)^ +(median|p99|max) `).FindAllString(text, -1)); got != c.rows {
			t.Errorf("%d handovers: %d rows of summary, want %d in\n%.2000s", c.n, got, c.rows, text)
		}
		if got := strings.Count(text, "p99"); got != c.p99s {
			t.Errorf("%d handovers: p99 stands there %d times, want %d", c.n, got, c.p99s)
		}
		if c.n > report.TextRows && !strings.Contains(text, fmt.Sprintf("%d of those not shown registered: the sky <fell>", c.n-report.TextFirst)) {
			t.Errorf("%d handovers: the reasons of those left out are not counted:\n%.3000s", c.n, text)
		}
	}
}

// The loss of the only link and the next link are two handovers, and to whoever waits one outage, whose whole length is said.
func TestOneOutageOfTwoHandovers(t *testing.T) {
	p := &scenario.Plan{
		Length: 10 * time.Second,
		Nodes:  []scenario.Node{{Name: "mn", Ifaces: []scenario.Iface{{Name: "wlan0", Port: 1, Segment: "ar1"}}}},
		Actions: []scenario.Action{
			{At: time.Second, Verb: scenario.Detach, Node: "mn", Iface: "wlan0", Handover: 0},
			{At: 7 * time.Second, Verb: scenario.Attach, Node: "mn", Iface: "wlan0", Segment: "ar2", Handover: 1},
		},
		Flows: []scenario.Flow{{Name: "p", Mobile: "mn", Peer: "cn", Interval: 10 * ms, Stop: 9900 * ms, Probe: true}},
	}
	gap := func(back time.Duration) *scenario.Report {
		m := scenario.NewMeasure(p, "sim", "soft")
		m.Did(time.Second, 0)
		m.Did(7*time.Second, 1)
		for seq := range uint32(990) {
			at := time.Duration(seq) * 10 * ms
			m.Sent(at, 0, true, seq)
			m.Sent(at, 0, false, seq)
			if at < time.Second || at >= back {
				m.Received(at, 0, true, seq)
			}
			m.Received(at, 0, false, seq)
		}
		return m.Report(&scenario.Scenario{Title: "gap"}, scenario.Expect{})
	}
	want := "1 and 2 are one outage of mn, which had no link from 1.00 to 7.00 s; interrupted 7,500 ms down as a whole"
	r := gap(8500 * ms)
	if text := string(report.Text(r, 0)); !strings.Contains(text, "\n  "+want+"\n") || !strings.Contains(text, "take them whole and once") {
		t.Errorf("%q is not said in\n%s", want, text)
	}
	if page := string(report.HTML(r)); !strings.Contains(page, want) {
		t.Error("the page does not say it")
	}
	if text := string(report.Text(gap(1100*ms), 0)); strings.Contains(text, "one outage") {
		t.Errorf("an outage that was over before the next handover is taken for theirs:\n%s", text)
	}
}

// Where the largest outage is longer than every row tells, both reports say why; elsewhere neither does.
func TestOutageLongerThanItsRow(t *testing.T) {
	r := recorded(t)
	const want = "take outages that began before it whole"
	if strings.Contains(string(report.Text(r, 0)), want) || strings.Contains(string(report.HTML(r)), want) {
		t.Error("it is said where nothing has to be explained")
	}
	r.Result.Handovers[0].Down.Outage = new(scenario.Millis(304 * ms))
	if text := string(report.Text(r, 0)); !strings.Contains(text, want) {
		t.Errorf("it is not said in\n%s", text)
	}
	if !strings.Contains(string(report.HTML(r)), want) {
		t.Error("the page does not say it")
	}
}

// Copies that receivers have already are dropped on purpose: nobody is to take them for a fault.
func TestCopiesAreNoFault(t *testing.T) {
	r := recorded(t)
	for _, c := range []struct {
		drops map[string]int
		want  string // "" for nothing
	}{
		{map[string]int{}, ""},
		{map[string]int{"duplicate": 1}, "Dropped on purpose: 1 second copy, "},
		{map[string]int{"duplicate": 3730, "loss": 1200, "hold-full": 2}, "Dropped: hold-full 2, loss 1,200\nDropped on purpose: 3,730 second copies, "},
	} {
		r.Result.Drops = c.drops
		text, page := string(report.Text(r, 0)), string(report.HTML(r))
		if c.want == "" && strings.Contains(text+page, "Dropped") || !strings.Contains(text, c.want) {
			t.Errorf("%v: %q is not said in\n%s", c.drops, c.want, text)
		}
		for line := range strings.Lines(c.want) {
			if !strings.Contains(page, strings.TrimSpace(line)) {
				t.Errorf("%v: the page lacks %q", c.drops, line)
			}
		}
	}
}

func TestComparison(t *testing.T) {
	r := recorded(t)
	list := []report.Variant{{Name: "mipv6, standard DAD", Result: r.Result, Checks: r.Checks}, {Name: "another", Result: r.Result, Checks: r.Checks[:1]}}
	golden(t, "compare.txt", report.Comparison(list, 0))
	lab := *r.Result
	lab.World = "lab"
	both := []report.Variant{list[0], {Name: list[0].Name, Result: &lab}}
	if text := string(report.Comparison(both, 0)); !strings.Contains(text, "\n  mipv6, standard DAD, sim ") || !strings.Contains(text, "\n  mipv6, standard DAD, lab ") {
		t.Errorf("the worlds are not told apart:\n%s", text)
	}
	beside := []report.Variant{list[0], {Name: "another", Result: r.Result, Beside: "it has another DAD"}}
	if text := string(report.Comparison(beside, 0)); !strings.Contains(text, "  –\n") || !strings.Contains(text, "\n  expected –: it has another DAD\n") || strings.Contains(text, "FAILED: another") {
		t.Errorf("a row that is there for comparison is not told from others:\n%s", text)
	}
	for line := range strings.Lines(string(report.Comparison(list, 80))) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("a line of %d: %s", n, line)
		}
	}
}

// Of many mobile nodes, those whose traffic was measured are explained.
func TestTimelinesOfMeasured(t *testing.T) {
	r := recorded(t)
	other := r.Result.Handovers[0]
	other.Mobile, other.Down, other.Up = "mn77", scenario.Direction{}, scenario.Direction{}
	r.Result.Handovers = []scenario.Handover{other, r.Result.Handovers[0]}
	text := string(report.Text(r, 0))
	if !strings.Contains(text, "Handover 2, mn ar1") || strings.Contains(text, "Handover 1, ") || !strings.Contains(text, "and 1 more timeline:") {
		t.Errorf("not the measured one is explained:\n%s", text)
	}
	r.Result.Handovers = r.Result.Handovers[:1]
	if text := string(report.Text(r, 0)); !strings.Contains(text, "Handover 1, mn77") || strings.Contains(text, "more timeline") {
		t.Errorf("with none measured, all are explained:\n%s", text)
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
	if text := string(report.Text(r, 0)); !strings.Contains(text, "0 handovers") {
		t.Errorf("got %s", text)
	}
	if page := report.HTML(r); !bytes.Contains(page, []byte("</html>")) || bytes.Contains(page, []byte("NaN")) {
		t.Error("the page is not whole")
	}
}
