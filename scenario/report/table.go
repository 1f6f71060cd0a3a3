package report

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// table aligns columns.
type table struct {
	columns []column
	rows    [][]string // one cell a column; later ones may be missing
}

// column is one column of a table. When the terminal is too narrow, the columns with the highest drop go first, together.
type column struct {
	head  string
	name  string // what the head stands for, where it is short; "" for the head itself
	right bool   // aligned to the right
	drop  int    // 0: never left out
}

// indent stands before every line of a table and below it; the columns are as far apart.
const indent = "  "

// String is the table, two blanks between columns, a line under the head.
func (t *table) String() string {
	width := t.widths()
	var w strings.Builder
	line := func(row []string) {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if t.columns[i].right {
				cell = pad + cell
			} else {
				cell += pad
			}
			b.WriteString(indent + cell)
		}
		w.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	}
	heads, rule := make([]string, len(width)), make([]string, len(width))
	for i, n := range width {
		heads[i], rule[i] = t.columns[i].head, strings.Repeat("─", n)
	}
	line(heads)
	line(rule)
	for _, row := range t.rows {
		line(row)
	}
	return w.String()
}

// widths are those of the columns, in characters.
func (t *table) widths() []int {
	width := make([]int, len(t.columns))
	for i, c := range t.columns {
		width[i] = utf8.RuneCountInString(c.head)
	}
	for _, row := range t.rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	return width
}

// fit leaves out columns until a line has at most width characters, and names them. Width 0 is any.
func (t *table) fit(width int) (left []string) {
	for width > 0 {
		all, least := 0, 0
		for i, n := range t.widths() {
			all += len(indent) + n
			least = max(least, t.columns[i].drop)
		}
		if all <= width || least == 0 {
			break
		}
		for i := len(t.columns) - 1; i >= 0; i-- {
			if t.columns[i].drop != least {
				continue
			}
			left = append(left, cmp.Or(t.columns[i].name, t.columns[i].head))
			t.columns = slices.Delete(t.columns, i, i+1)
			for j, row := range t.rows {
				if i < len(row) {
					t.rows[j] = slices.Delete(row, i, i+1)
				}
			}
		}
	}
	slices.Reverse(left)
	return slices.Compact(left)
}

// leftOut is the line that says what a narrow terminal does not show; "" when it shows all.
func leftOut(left []string, width int) string {
	if len(left) == 0 {
		return ""
	}
	return fold("left out: "+strings.Join(left, ", ")+" (too wide for this terminal; --json has all)", width)
}

// fold makes indented lines of at most width characters, as far as the words allow. Width 0 is any.
func fold(text string, width int) string {
	var w strings.Builder
	for line := range strings.Lines(text) {
		have := 0
		for _, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case have == 0:
				w.WriteString(indent + word)
				have = len(indent) + n
				continue
			case width > 0 && have+1+n > width:
				w.WriteString("\n" + indent + word)
				have = len(indent) + n
				continue
			}
			w.WriteString(" " + word)
			have += 1 + n
		}
		w.WriteString("\n")
	}
	return w.String()
}
