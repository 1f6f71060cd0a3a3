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
		row := []string{strconv.Itoa(i + 1), h.Mobile, seconds(h.At), route(*h), h.Outcome}
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
	out += reasons(r.Handovers, len(shown), width) + outages(r.Handovers, width)
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

// outage is a time without any link that two handovers share: the loss of the only link is one, and so is the next link.
type outage struct {
	mobile      string
	first, last int // indices of its handovers
	down, up    *scenario.Millis
	from, to    scenario.Millis
}

// findOutages finds the outages that reach over more than one handover. The interruption of a handover after which nothing was
// delivered lasts until the next one begins, so theirs add up.
func findOutages(handovers []scenario.Handover) []outage {
	var out []outage
	open := map[string]int{} // mobile node -> its last handover, if that left it without a link
	for i, h := range handovers {
		if from, lost := open[h.Mobile]; lost && h.From == "" {
			before := handovers[from]
			out = append(out, outage{
				mobile: h.Mobile, first: from, last: i, from: before.At, to: h.At,
				down: sum(before.Down.Interruption, h.Down.Interruption), up: sum(before.Up.Interruption, h.Up.Interruption),
			})
		}
		delete(open, h.Mobile)
		if h.To == "" {
			open[h.Mobile] = i
		}
	}
	return out
}

func sum(a, b *scenario.Millis) *scenario.Millis {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}

// String says it in one sentence.
func (o outage) String() string {
	s := fmt.Sprintf("%d and %d are one outage: %s had no link from %s to %s s", o.first+1, o.last+1, o.mobile, seconds(o.from), seconds(o.to))
	if o.down != nil && o.up != nil {
		s += fmt.Sprintf("; interrupted %s ms down, %s ms up together", number(o.down), number(o.up))
	}
	return s
}

func outages(handovers []scenario.Handover, width int) string {
	var out strings.Builder
	for i, o := range findOutages(handovers) {
		if i == textReasons {
			out.WriteString(fold("… and more such outages", width))
			break
		}
		out.WriteString(fold(o.String(), width))
	}
	var cut []string
	for i, h := range handovers {
		if isPart(h.Down) || isPart(h.Up) {
			cut = append(cut, strconv.Itoa(i+1))
		}
	}
	if more := len(cut) - textParts; more > 0 {
		cut = append(cut[:textParts], fmt.Sprintf("and %d more", more))
	}
	if len(cut) > 0 {
		out.WriteString(fold(strings.Join(cut, ", ")+": a part of an outage that lasted over the next move; median and max below, and what is expected, take it whole and once", width))
	}
	return out.String()
}

// isPart reports whether what a direction shows is a part of another handover's outage.
func isPart(d scenario.Direction) bool { return d.Interruption != nil && d.Outage == nil }

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
