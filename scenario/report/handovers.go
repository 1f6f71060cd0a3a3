package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"roam6/scenario"
)

// enoughForP99 is the number of handovers from which a 99th percentile says more than the largest value does.
const enoughForP99 = 100

// quantity is a figure of a handover that has a column.
type quantity struct {
	column
	of    func(h *scenario.Handover) (v int64, ok bool)
	print func(v int64) string
}

// quantities are the columns of the table, and of the page's, after number, node, time, route and outcome.
var quantities = []quantity{
	millis("L2 ms", "L2", 5, func(h *scenario.Handover) *scenario.Millis { return &h.Blackout }),
	millis("out ↓ ms", "out", 0, func(h *scenario.Handover) *scenario.Millis { return h.Down.Interruption }),
	millis("↑ ms", "out", 0, func(h *scenario.Handover) *scenario.Millis { return h.Up.Interruption }),
	millis("L3 ↓ ms", "L3", 6, func(h *scenario.Handover) *scenario.Millis { return h.Down.L3Overhead }),
	millis("↑ ms", "L3", 6, func(h *scenario.Handover) *scenario.Millis { return h.Up.L3Overhead }),
	counted("lost ↓", "lost", 3, func(h *scenario.Handover) *int { return h.Down.Lost }),
	counted("↑", "lost", 3, func(h *scenario.Handover) *int { return h.Up.Lost }),
	counted("air", "air", 8, func(h *scenario.Handover) *int { return &h.Air.Messages }),
	counted("octets", "octets", 9, func(h *scenario.Handover) *int { return &h.Air.Octets }),
	counted("RT", "RT", 7, func(h *scenario.Handover) *int { return &h.HomeRoundTrips }),
	millis("reg ms", "reg", 4, func(h *scenario.Handover) *scenario.Millis { return h.Registered }),
}

func millis(head, name string, drop int, of func(*scenario.Handover) *scenario.Millis) quantity {
	return quantity{column{head, name, true, drop}, func(h *scenario.Handover) (int64, bool) {
		if m := of(h); m != nil {
			return int64(*m), true
		}
		return 0, false
	}, func(v int64) string { return number(new(scenario.Millis(v))) }}
}

func counted(head, name string, drop int, of func(*scenario.Handover) *int) quantity {
	return quantity{column{head, name, true, drop}, func(h *scenario.Handover) (int64, bool) {
		if n := of(h); n != nil {
			return int64(*n), true
		}
		return 0, false
	}, func(v int64) string { return thousands(int(v)) }}
}

// handoverTable is one row a handover, for many handovers the first ones and a summary of all, and what the columns mean.
func handoverTable(r *scenario.Result, width int) string {
	t := &table{columns: []column{{right: true}, {head: "mn"}, {head: "at s", right: true}, {head: "from → to"}, {head: "outcome"}}}
	for _, q := range quantities {
		t.columns = append(t.columns, q.column)
	}
	shown := r.Handovers
	if len(shown) > TextRows {
		shown = shown[:TextFirst]
	}
	for i := range shown {
		h := &shown[i]
		row := []string{numberOf(r, i), h.Mobile, seconds(h.At), route(*h), h.Outcome}
		for _, q := range quantities {
			cell := "–"
			if v, ok := q.of(h); ok {
				cell = q.print(v)
			}
			row = append(row, cell)
		}
		t.rows = append(t.rows, row)
	}
	more := len(r.Handovers) - len(shown)
	if more > 0 {
		for _, s := range summary(r.Handovers) {
			t.rows = append(t.rows, append([]string{"", s.Label, "", "", ""}, s.Cells...))
		}
	}
	left := t.fit(width)
	out := t.String()
	if more > 0 {
		out += fold(fmt.Sprintf("… %s more; --json has all. The last rows are of all %s; down and up are measured for the mobile nodes that have traffic",
			thousands(more), thousands(len(r.Handovers))), width)
	}
	out += reasons(r.Handovers, len(shown), width) + outages(r, width)
	if note := partial(r); note != "" {
		out += fold(note, width)
	}
	for _, line := range standing(r) {
		out += fold(line, width)
	}
	return out + leftOut(left, width) + legend(left, width) + "\n" + totals(r, width)
}

// summaryRow is one figure of every quantity over all handovers.
type summaryRow struct {
	Label string
	Cells []string // "–" where it says nothing
}

// summary is the median, the 99th percentile where enough was measured, and the largest value, by nearest rank.
func summary(handovers []scenario.Handover) []summaryRow {
	rows := []summaryRow{{Label: "median"}, {Label: "p99"}, {Label: "max"}}
	for _, q := range quantities {
		var all []int64
		for i := range handovers {
			if v, ok := q.of(&handovers[i]); ok {
				all = append(all, v)
			}
		}
		slices.Sort(all)
		for i, percent := range []int{50, 99, 100} {
			cell := "–"
			if len(all) > 0 && (percent != 99 || len(all) >= enoughForP99) {
				cell = q.print(all[(percent*len(all)+99)/100-1])
			}
			rows[i].Cells = append(rows[i].Cells, cell)
		}
	}
	if len(handovers) < enoughForP99 {
		rows = slices.Delete(rows, 1, 2)
	}
	return rows
}

// reasons says why handovers failed or fell back: by number those in the table, those left out by reason.
func reasons(handovers []scenario.Handover, shown, width int) string {
	var inOrder []string
	numbers, rest := map[string][]string{}, map[string]int{}
	for i, h := range handovers {
		switch {
		case h.Reason == "":
		case i < shown:
			if numbers[h.Reason] == nil {
				inOrder = append(inOrder, h.Reason)
			}
			numbers[h.Reason] = append(numbers[h.Reason], strconv.Itoa(i+1))
		default:
			rest[h.Outcome+": "+h.Reason]++
		}
	}
	var out strings.Builder
	for _, reason := range inOrder {
		out.WriteString(fold(strings.Join(numbers[reason], ", ")+": "+reason, width))
	}
	byCount := slices.SortedFunc(maps.Keys(rest), func(a, b string) int { return cmp.Or(rest[b]-rest[a], strings.Compare(a, b)) })
	for i, reason := range byCount {
		if i == textReasons {
			out.WriteString(fold(fmt.Sprintf("… and %d other reasons", len(byCount)-i), width))
			break
		}
		out.WriteString(fold(fmt.Sprintf("%s of those not shown %s", thousands(rest[reason]), reason), width))
	}
	return out.String()
}

// sharedText says of an outage that lasted over another handover which ones have a part in it, and how long it was as a whole.
func sharedText(o scenario.Shared, handovers []scenario.Handover) string {
	var numbers []string
	for _, i := range o.Handovers {
		numbers = append(numbers, strconv.Itoa(i+1))
	}
	last := len(numbers) - 1
	text := fmt.Sprintf("%s and %s are one outage of %s", strings.Join(numbers[:last], ", "), numbers[last], o.Mobile)
	first, next := handovers[o.Handovers[0]], handovers[o.Handovers[1]]
	if first.To == "" && next.From == "" {
		text += fmt.Sprintf(", which had no link from %s to %s s", seconds(first.At), seconds(next.At))
	}
	for _, d := range []struct {
		whole *scenario.Millis
		way   string
	}{{o.Down, "down"}, {o.Up, "up"}} {
		if d.whole != nil {
			text += fmt.Sprintf("; interrupted %s ms %s as a whole", number(d.whole), d.way)
		}
	}
	return text
}

// outages tells of those that lasted over another handover.
func outages(r *scenario.Result, width int) string {
	all := r.Shared()
	if len(all) == 0 {
		return ""
	}
	var out strings.Builder
	for i, o := range all {
		if i == textReasons {
			out.WriteString(fold(fmt.Sprintf("… and %d more such outages", len(all)-i), width))
			break
		}
		out.WriteString(fold(sharedText(o, r.Handovers), width))
	}
	return out.String()
}

// partial explains columns that have only parts of outages, so that a total is larger than every row; "" where they have all.
func partial(r *scenario.Result) string {
	if len(r.Shared()) > 0 {
		return "The columns have each handover's own part of these; median and max, and what is expected, take them whole and once"
	}
	for _, h := range r.Handovers {
		for _, d := range []scenario.Direction{h.Down, h.Up} {
			if d.Outage != nil && d.Interruption != nil && number(d.Outage) != number(d.Interruption) {
				return "The columns have what of an outage lies after its handover began; median and max, and what is expected, take outages that began before it whole"
			}
		}
	}
	return ""
}

// legend says what the columns that are shown mean.
func legend(left []string, width int) string {
	var words []string
	for _, l := range []struct{ name, text string }{
		{"L2", "L2: imposed blackout"}, {"out", "out: interruption"}, {"L3", "L3: interruption less blackout"}, {"", "↓ toward mn, ↑ from it\n"},
		{"air", "air: signalling packets on the radio"}, {"RT", "RT: home round trips before the first packet"}, {"reg", "reg: link up to registered"},
	} {
		if !slices.Contains(left, l.name) {
			words = append(words, l.text)
		}
	}
	return fold(strings.ReplaceAll(strings.Join(words, " · "), "\n · ", "\n"), width)
}

func totals(r *scenario.Result, width int) string {
	s, measured := &r.Totals, 0
	for _, h := range r.Handovers {
		if h.Down.Interruption != nil || h.Up.Interruption != nil {
			measured++
		}
	}
	text := fmt.Sprintf("%s, %s failed · %s lost, %s duplicated, %s reordered",
		plural(s.Handovers, "handover"), thousands(s.Failed), thousands(s.Lost), thousands(s.Duplicated), thousands(s.Reordered))
	if p := s.Interruption; p.Max != nil {
		text += " · interruption median " + number(p.P50)
		if measured >= enoughForP99 {
			text += ", p99 " + number(p.P99)
		}
		text += fmt.Sprintf(", max %s ms", number(p.Max))
	}
	return strings.TrimPrefix(fold(text, width), indent)
}
