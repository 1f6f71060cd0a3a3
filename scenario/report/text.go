package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"roam6/plane"
	"roam6/scenario"
)

// Bounds of what a terminal gets; the page and the JSON have the rest.
const (
	TextRows      = 24 // handovers that have a row each; of more
	TextFirst     = 10 // so many have, and a summary follows
	TextTimelines = 6  // handovers explained
	textReasons   = 5  // reasons, and outages, that have a line each
	barWidth      = 32 // characters of a timeline's bars,
	barLeast      = 4  // and the fewest that show anything
)

// Text is the run as tables for a terminal of so many columns, in UTF-8. What does not fit is left out, the least important
// first, and it says so; below 72 nothing more is. Width 0 is any width; the tables then have about 115 columns.
func Text(r *scenario.Report, width int) []byte {
	var w strings.Builder
	res := r.Result
	fmt.Fprintf(&w, "%s\n%s · %s · %s plane · seed %d\n\n", r.Title, res.World, res.Strategy, res.Plane, res.Seed)
	w.WriteString(handoverTable(res, width))
	told := explainable(res.Handovers)
	for n, i := range told {
		if n == TextTimelines {
			break
		}
		w.WriteString("\n" + timelineText(i, res.Handovers[i], width))
	}
	if more := len(res.Handovers) - min(len(told), TextTimelines); more > 0 {
		fmt.Fprintf(&w, "\n… and %s: see --json or --report\n", plural(more, "more timeline"))
	}
	if delay := delayText(res, width); delay != "" {
		w.WriteString("\n" + delay)
	}
	if voice := voiceText(res, width); voice != "" {
		w.WriteString("\n" + voice)
	}
	for i, line := range dropLines(res) {
		if i == 0 {
			w.WriteString("\n")
		}
		w.WriteString(strings.TrimPrefix(fold(line, width), indent))
	}
	if len(r.Checks) > 0 {
		w.WriteString("\n" + checksText(r.Checks))
	}
	if excuse := Excuse(res); excuse != "" && !scenario.Passed(r.Checks) {
		w.WriteString("\n" + strings.TrimPrefix(fold("Not as expected, but "+excuse, width), indent))
	}
	return []byte(w.String())
}

// explainable are the indices of the handovers whose timelines say most: of those measured with traffic, or of all if none was.
func explainable(handovers []scenario.Handover) []int {
	var all, measured []int
	for i, h := range handovers {
		all = append(all, i)
		if h.Down.Interruption != nil {
			measured = append(measured, i)
		}
	}
	if len(measured) > 0 {
		return measured
	}
	return all
}

// timelineText explains one handover: every step with a bar at its place in time. The bars take what room there is.
func timelineText(i int, h scenario.Handover, width int) string {
	var w strings.Builder
	head := fmt.Sprintf("Handover %d, %s %s at %s s: %s", i+1, h.Mobile, route(h), seconds(h.At), explained(h))
	w.WriteString(strings.TrimPrefix(fold(head, width), indent))
	w.WriteString(Timeline(h, width))
	return w.String()
}

// Timeline is the table of a handover's steps, at most so many characters wide; 0 is any width.
func Timeline(h scenario.Handover, width int) string {
	t := &table{columns: []column{{head: "at ms", right: true}, {head: "ms", right: true}, {head: "what happened"}, {head: "then waited for"}, {drop: 1}}}
	whole := scenario.Millis(0)
	if n := len(h.Timeline); n > 0 {
		whole = h.Timeline[n-1].At
	}
	for _, s := range h.Timeline {
		at, length := s.At, s.Length
		t.rows = append(t.rows, []string{number(&at), number(&length), s.Step, s.WaitingFor, ""})
	}
	room := barWidth
	if width > 0 {
		room = width
		for _, n := range t.widths() {
			room -= len(indent) + n
		}
		room = min(max(room, barLeast), barWidth)
	}
	for j, s := range h.Timeline {
		t.rows[j][4] = bar(s, whole, room)
	}
	t.fit(width)
	return t.String()
}

// explained says in words how long the outage was and how much of it the timeline explains.
func explained(h scenario.Handover) string {
	if h.Down.Interruption == nil || h.Up.Interruption == nil {
		return "not measured with traffic"
	}
	text := fmt.Sprintf("interrupted %s ms down, %s ms up; explained %.1f %%",
		number(h.Down.Interruption), number(h.Up.Interruption), 100*scenario.Accounted(h))
	if h.Stood > 0 {
		text += fmt.Sprintf("; the machine stood still for %s ms of this", number(&h.Stood))
	}
	return text
}

// bar draws a step's share of the whole, which has so many characters.
func bar(s scenario.Step, whole scenario.Millis, room int) string {
	if whole <= 0 || s.Length <= 0 {
		return ""
	}
	from := int(int64(s.At) * int64(room) / int64(whole))
	to := int((int64(s.At+s.Length)*int64(room) + int64(whole) - 1) / int64(whole))
	return strings.Repeat(" ", min(from, room-1)) + strings.Repeat("█", max(1, to-from))
}

// delayText shows the delays of flows whose packets took another way in the end than at first; of most runs nothing.
func delayText(r *scenario.Result, width int) string {
	t := &table{columns: []column{{head: "flow"}, {head: "at first ms", right: true}, {head: "median ms", right: true}, {head: "in the end ms", right: true}}}
	for _, f := range r.Flows {
		if f.Delay.Changed() {
			t.rows = append(t.rows, []string{f.Name, number(f.Delay.First), number(f.Delay.Median), number(f.Delay.Last)})
		}
	}
	if len(t.rows) == 0 {
		return ""
	}
	left := t.fit(width)
	return "Delay, one way\n" + t.String() + leftOut(left, width)
}

func voiceText(r *scenario.Result, width int) string {
	t := &table{columns: []column{
		{head: "flow"}, {head: "sent", right: true, drop: 1}, {head: "received", right: true, drop: 2}, {head: "lost", right: true}, {head: "late", right: true},
		{head: "duplicated", right: true, drop: 3}, {head: "reordered", right: true, drop: 4}, {head: "R", right: true}, {head: "users"},
	}}
	for _, f := range r.Flows {
		if f.R == nil {
			continue
		}
		t.rows = append(t.rows, []string{f.Name, thousands(f.Sent), thousands(f.Received), thousands(f.Lost), count(f.Late),
			thousands(f.Duplicated), thousands(f.Reordered), fmt.Sprintf("%.1f", float64(*f.R)), users(float64(*f.R))})
	}
	if len(t.rows) == 0 {
		return ""
	}
	left := t.fit(width)
	return "Voice\n" + t.String() + leftOut(left, width) + fold(voiceLegend, width)
}

// voiceLegend explains R where it is shown. The limits are those of users.
const voiceLegend = "R: voice quality by the E-model (ITU-T G.107), 93.2 at best; 80 and more is good, below 60 few users bear it\n" +
	"late: more than 40 ms later than usual, so the receiver has played silence instead: as bad as lost\n"

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
	t := &table{columns: []column{{}, {head: "expected"}, {}, {head: "came"}}}
	for _, c := range checks {
		mark := "ok"
		if !c.OK {
			mark = "FAILED"
		}
		t.rows = append(t.rows, []string{mark, c.Name, c.Want, c.Got})
	}
	return t.String()
}

// dropLines tell what was dropped anywhere in the world, by reason. What receivers have already is told by itself: it is meant to be
// dropped, and no fault.
func dropLines(r *scenario.Result) []string {
	var reasons, lines []string
	for reason, n := range r.Drops { //order:any
		if reason != plane.DropDuplicate {
			reasons = append(reasons, fmt.Sprintf("%s %s", reason, thousands(n)))
		}
	}
	if len(reasons) > 0 {
		slices.Sort(reasons)
		lines = append(lines, "Dropped: "+strings.Join(reasons, ", "))
	}
	if n := r.Drops[plane.DropDuplicate]; n > 0 {
		lines = append(lines, fmt.Sprintf("Dropped on purpose: %s, of packets sent by two ways; the receiver keeps what comes first", secondCopies(n)))
	}
	return lines
}

func secondCopies(n int) string {
	if n == 1 {
		return "1 second copy"
	}
	return thousands(n) + " second copies"
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

// number prints milliseconds for reading; "–" for none.
func number(m *scenario.Millis) string {
	if m == nil {
		return "–"
	}
	return m.Reading()
}

func thousands(n int) string { return scenario.Grouped(n) }

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
