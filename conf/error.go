package conf

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// overridePrefix begins the name that stands for the file of a value given on the command line.
const overridePrefix = "--set "

// Error is one mistake in a configuration: where it is and what would be allowed.
type Error struct {
	File         string
	Line, Column int    // from 1; 0 when the value stands in no file (an override)
	Key          string // path of the key: "roles[0].ha.prefix"; "" for a syntax error
	Value        string // what stands there; "" for a key that is missing
	Problem      string // "" is "is not allowed"
	Allowed      string // what would be allowed, in words; "" when Problem says all
	Excerpt      string // the line and a caret under the place; "" when there is no line
}

// Error renders `ha.yaml:12: roles[0].ha.prefix: "2001:db8::/65" is not allowed: a /64 prefix` and the excerpt on the
// lines after it.
func (e *Error) Error() string {
	var b strings.Builder
	if strings.HasPrefix(e.File, overridePrefix) {
		b.WriteString(hidden(escaped(e.File)))
	} else {
		b.WriteString(escaped(e.File))
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(hidden(escaped(e.Key)) + ": ")
	}
	if e.Value != "" {
		fmt.Fprintf(&b, "%q ", hidden(e.Value))
	}
	if e.Problem == "" {
		b.WriteString("is not allowed")
	} else {
		b.WriteString(hidden(escaped(e.Problem)))
	}
	if e.Allowed != "" {
		b.WriteString(": " + escaped(e.Allowed))
	}
	if e.Excerpt != "" {
		b.WriteString("\n" + e.Excerpt)
	}
	return b.String()
}

// hidden is text without what may be a secret.
func hidden(text string) string {
	return passwordOfURL.ReplaceAllString(digitsOfSecret.ReplaceAllString(text, "(hidden)"), "${1}(hidden)@")
}

// escaped is text that a terminal prints as it stands: a file may come from anybody, and is not to clear the screen of whoever checks
// it, or to turn its lines around.
func escaped(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) || r == '\n' {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// unprintable stands in excerpts for a character that escaped would escape: the caret counts characters.
const unprintable = '\uFFFD'

// MaxErrors is the number of mistakes that Join shows.
const MaxErrors = 20

// Join makes one error of all that are not nil, one after the other; nil when there is none. Of very many it names the first.
func Join(errs ...error) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(e error) bool { return e == nil })
	if more := len(errs) - MaxErrors; more > 0 {
		errs = append(errs[:MaxErrors:MaxErrors], fmt.Errorf("and %d more mistakes", more))
	}
	return errors.Join(errs...)
}

// excerptWidth is the number of characters of a line that an excerpt shows at most.
const excerptWidth = 120

// excerpt is the line with its number and, below, a caret under the column. Secrets in it are covered.
func (d *Doc) excerpt(line, column int) string {
	if line < 1 || line > len(d.lines) {
		return ""
	}
	text := []rune(strings.ReplaceAll(d.masked(line), "\t", " "))
	column = min(max(column, 1), len(text)+1)
	from := 0
	if column > excerptWidth*3/4 {
		from = column - excerptWidth*3/4
	}
	shown := string(text[from:min(len(text), from+excerptWidth)])
	margin := fmt.Sprintf("%5d | ", line)
	return margin + shown + "\n" + strings.Repeat(" ", len(margin)-2) + "| " + strings.Repeat(" ", column-1-from) + "^"
}

// Secrets also stand where no decoder came to know of them: in a line with a syntax error, under a mistyped key. So every long
// run of hexadecimal digits is covered (an address has none: its groups have four), the password of a URL, and whatever follows a key that is
// named like one of a secret, up to the next key of the line. Not covered is what a decoder took for something else, such as the name of a file,
// and what a comment says of keys: keys are digits.
var (
	digitsOfSecret = regexp.MustCompile(`[0-9A-Fa-f]{16,}|(?:[0-9A-Fa-f]{2}[: ]){7,}[0-9A-Fa-f]{2}`)
	passwordOfURL  = regexp.MustCompile(`(://[^\s/:@]*:)[^\s/@]+@`)
	valueOfSecret  = regexp.MustCompile(`(?i)([\w-]*(?:key|secret|password)["']?\s*:)([^,}#]+)`)
	likeSecret     = regexp.MustCompile(`(?i)(?:key|secret|password)$`)
)

// knownValue is a value that is no secret although its key's name is like one of a secret.
type knownValue struct {
	line      int
	key, text string
}

// covered is a line's text with all that may be a secret written over with asterisks, as long as before.
func (d *Doc) covered(line int, text string) string {
	text = digitsOfSecret.ReplaceAllStringFunc(text, stars)
	text = passwordOfURL.ReplaceAllStringFunc(text, func(s string) string {
		at := passwordOfURL.FindStringSubmatchIndex(s)[3]
		return s[:at] + stars(s[at:len(s)-1]) + "@"
	})
	comment := ""
	if at := commentOf(text); d.root != nil && at >= 0 {
		text, comment = text[:at], text[at:]
	}
	return valueOfSecret.ReplaceAllStringFunc(text, func(s string) string {
		name, value, _ := strings.Cut(s, ":")
		known := knownValue{line, strings.Trim(name, "\"' \t"), strings.Trim(value, "\"' \t")}
		if slices.Contains(d.known, known) {
			return s
		}
		return name + ":" + wordsOf.ReplaceAllStringFunc(value, stars)
	}) + comment
}

func stars(s string) string { return strings.Repeat("*", utf8.RuneCountInString(s)) }

// commentOf is where the comment of a line begins that could be read; -1 without one. A sign inside quotes begins none.
func commentOf(text string) int {
	quote, before := rune(0), ' '
	for i, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
		case r == '"' || r == '\'':
			quote = r
		case r == '#' && (before == ' ' || before == '\t'):
			return i
		}
		before = r
	}
	return -1
}

// wordsOf finds what is neither blank nor quoting.
var wordsOf = regexp.MustCompile(`[^\s"'\[\]{]+`)

// masked is a line of the text with the values of keys that hold secrets written over with asterisks.
func (d *Doc) masked(line int) string {
	text := d.lines[line-1]
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	for _, n := range d.secrets {
		if n.line <= line && line <= n.line+strings.Count(n.text, "\n") {
			for _, part := range strings.Split(n.text, "\n") {
				if part != "" {
					text = strings.ReplaceAll(text, part, stars(part))
				}
			}
		}
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\t' {
			return r
		}
		return unprintable
	}, d.covered(line, strings.TrimSuffix(text, "\r")))
}

// Nearest is the word of the list that the given one was probably meant to be, or "".
func Nearest(word string, list []string) string {
	best, at := "", max(2, len(word)/3)+1
	for _, w := range list {
		if d := distance(strings.ToLower(word), w); d < at {
			best, at = w, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two words, in octets; words longer than 40 are cut.
func distance(a, b string) int {
	a, b = a[:min(len(a), 40)], b[:min(len(b), 40)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
