package conf

import (
	"strings"
	"unicode/utf8"
)

// tab is what is wrong with a text that the YAML library refuses at a line, if that is a tab where YAML takes only blanks; otherwise nil.
// The library may say something else, or name the line below: people see a tab nowhere, and are told of it first.
func (d *Doc) tab(line int, said bool) error {
	for n := min(line, len(d.lines)); n > 0 && n > line-2; n-- {
		text := d.lines[n-1]
		indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		at := strings.IndexByte(indent, '\t')
		if at < 0 && said {
			at = strings.IndexByte(text, '\t')
		}
		if at >= 0 {
			return d.syntax(n, utf8.RuneCountInString(text[:at])+1, "a tab stands here, which YAML does not take: indent with blanks")
		}
	}
	return nil
}
