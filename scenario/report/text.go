package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"roam6/scenario"
)

// Bounds of what a terminal gets; the page and the JSON have the rest.
const (
	TextRows      = 24 // handovers in the table
	TextTimelines = 6  // handovers explained
	barWidth      = 32 // characters of a timeline's bars
)

// Text is the run as tables for a terminal, in UTF-8, about 110 characters wide.
func Text(r *scenario.Report) []byte {
	var w strings.Builder
	res := r.Result
	fmt.Fprintf(&w, "%s\n%s · %s · %s plane · seed %d\n\n", r.Title, res.World, res.Strategy, res.Plane, res.Seed)
	w.WriteString(handoverTable(res))
	for i, h := range res.Handovers {
		if i == TextTimelines {
			fmt.Fprintf(&w, "\n… and %d more timelines: see --json or --report\n", len(res.Handovers)-i)
			break
		}
		w.WriteString("\n" + timelineText(i, h))
	}
	if voice := voiceText(res); voice != "" {
		w.WriteString("\n" + voice)
	}
	if len(res.Drops) > 0 {
		w.WriteString("\nDropped: " + strings.Join(dropWords(res), ", ") + "\n")
	}
	if len(r.Checks) > 0 {
		w.WriteString("\n" + checksText(r.Checks))
	}
	return []byte(w.String())
}

// handoverTable is one row a handover and a row of totals.
func handoverTable(r *scenario.Result) string {
	t := &table{
		head:  []string{"", "mn", "at s", "from → to", "outcome", "L2 ms", "out ↓ ms", "↑ ms", "L3 ↓ ms", "↑ ms", "lost ↓", "↑", "air", "octets", "RT", "reg ms"},
		right: []bool{true, false, true, false, false, true, true, true, true, true, true, true, true, true, true, true},
	}
	for i, h := range r.Handovers {
		if i == TextRows {
			t.rows = append(t.rows, []string{"", "…", "", fmt.Sprintf("%d more", len(r.Handovers)-i)})
			break
		}
		t.rows = append(t.rows, []string{
			strconv.Itoa(i + 1), h.Mobile, seconds(h.At), route(h), h.Outcome, number(&h.Blackout),
			number(h.Down.Interruption), number(h.Up.Interruption), number(h.Down.L3Overhead), number(h.Up.L3Overhead),
			count(h.Down.Lost), count(h.Up.Lost), strconv.Itoa(h.Air.Messages), strconv.Itoa(h.Air.Octets),
			strconv.Itoa(h.HomeRoundTrips), number(h.Registered),
		})
	}
	out := t.String()
	for i, h := range r.Handovers {
		if h.Reason != "" && i < TextRows {
			out += fmt.Sprintf("  %d: %s\n", i+1, h.Reason)
		}
	}
	s := r.Totals
	out += "  L2: imposed blackout · out: interruption · L3: interruption less blackout · ↓ toward mn, ↑ from it\n" +
		"  air: signalling packets on the radio · RT: home round trips before the first packet · reg: link up to registered\n"
	return out + fmt.Sprintf("\n%s, %s failed · %s lost, %s duplicated, %s reordered · interruption p50 %s, p99 %s, max %s ms\n",
		plural(s.Handovers, "handover"), thousands(s.Failed), thousands(s.Lost), thousands(s.Duplicated), thousands(s.Reordered),
		number(s.Interruption.P50), number(s.Interruption.P99), number(s.Interruption.Max))
}

// timelineText explains one handover: every step with a bar at its place in time.
func timelineText(i int, h scenario.Handover) string {
	var w strings.Builder
	fmt.Fprintf(&w, "Handover %d, %s %s at %s s: %s\n", i+1, h.Mobile, route(h), seconds(h.At), explained(h))
	t := &table{head: []string{"at ms", "ms", "what happened", "then waited for", ""}, right: []bool{true, true}}
	whole := scenario.Millis(0)
	if n := len(h.Timeline); n > 0 {
		whole = h.Timeline[n-1].At
	}
	for _, s := range h.Timeline {
		at, length := s.At, s.Length
		t.rows = append(t.rows, []string{number(&at), number(&length), s.Step, s.WaitingFor, bar(s, whole)})
	}
	w.WriteString(t.String())
	return w.String()
}

// explained says in words how long the outage was and how much of it the timeline explains.
func explained(h scenario.Handover) string {
	if h.Down.Interruption == nil || h.Up.Interruption == nil {
		return "not measured with traffic"
	}
	return fmt.Sprintf("interrupted %s ms down, %s ms up; explained %.1f %%",
		number(h.Down.Interruption), number(h.Up.Interruption), 100*scenario.Accounted(h))
}

// bar draws a step's share of the whole.
func bar(s scenario.Step, whole scenario.Millis) string {
	if whole <= 0 || s.Length <= 0 {
		return ""
	}
	from := int(int64(s.At) * barWidth / int64(whole))
	to := int((int64(s.At+s.Length)*barWidth + int64(whole) - 1) / int64(whole))
	return strings.Repeat(" ", min(from, barWidth-1)) + strings.Repeat("█", max(1, to-from))
}

func voiceText(r *scenario.Result) string {
	t := &table{head: []string{"flow", "sent", "received", "lost", "duplicated", "reordered", "R factor", "users"}, right: []bool{false, true, true, true, true, true, true, false}}
	for _, f := range r.Flows {
		if f.R == nil {
			continue
		}
		t.rows = append(t.rows, []string{f.Name, strconv.Itoa(f.Sent), strconv.Itoa(f.Received), strconv.Itoa(f.Lost),
			strconv.Itoa(f.Duplicated), strconv.Itoa(f.Reordered), fmt.Sprintf("%.1f", float64(*f.R)), users(float64(*f.R))})
	}
	if len(t.rows) == 0 {
		return ""
	}
	return "Voice\n" + t.String()
}

// users says what an R factor means, ITU-T G.109 table 1.
func users(r float64) string {
	switch {
	case r >= 90:
		return "very satisfied"
	case r >= 80:
		return "satisfied"
	case r >= 70:
		return "some dissatisfied"
	case r >= 60:
		return "many dissatisfied"
	case r >= 50:
		return "nearly all dissatisfied"
	}
	return "not recommended"
}

func checksText(checks []scenario.Check) string {
	t := &table{head: []string{"", "expected", "", "came"}}
	for _, c := range checks {
		mark := "ok"
		if !c.OK {
			mark = "FAILED"
		}
		t.rows = append(t.rows, []string{mark, c.Name, c.Want, c.Got})
	}
	return t.String()
}

func dropWords(r *scenario.Result) []string {
	var out []string
	for reason, n := range r.Drops { //order:any
		out = append(out, fmt.Sprintf("%s %d", reason, n))
	}
	slices.Sort(out)
	return out
}

func route(h scenario.Handover) string {
	from, to := h.From, h.To
	if from == "" {
		from = "nowhere"
	}
	if to == "" {
		to = "nowhere"
	}
	return from + " → " + to
}

// number prints milliseconds for reading: 2,143 or 20 or 0.4; "–" for none.
func number(m *scenario.Millis) string {
	if m == nil {
		return "–"
	}
	d := time.Duration(*m)
	if d >= 100*time.Millisecond {
		return thousands(int((d + time.Millisecond/2) / time.Millisecond))
	}
	s := strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func count(n *int) string {
	if n == nil {
		return "–"
	}
	return thousands(*n)
}

func seconds(m scenario.Millis) string {
	return strconv.FormatFloat(time.Duration(m).Seconds(), 'f', 2, 64)
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%s %ss", thousands(n), word)
}

// table aligns columns.
type table struct {
	head  []string
	right []bool // columns aligned to the right
	rows  [][]string
}

// String is the table, two blanks between columns, a line under the head.
func (t *table) String() string {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var w strings.Builder
	line := func(row []string) {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i < len(t.right) && t.right[i] {
				cell = pad + cell
			} else {
				cell += pad
			}
			b.WriteString("  " + cell)
		}
		w.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	}
	line(t.head)
	rule := make([]string, len(width))
	for i, n := range width {
		rule[i] = strings.Repeat("─", n)
	}
	line(rule)
	for _, row := range t.rows {
		line(row)
	}
	return w.String()
}
