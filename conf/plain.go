package conf

import "strings"

// plain reads a text in the form in which programs write configurations, and most people: maps, lists and words without
// comments, quotes other than simple ones, or anything YAML has besides. It gives nil for every other text, whatever is
// wrong or unusual with it: that is for the YAML library to read or to refuse. What it does read, it reads as the library
// does, places included; TestPlainIsYAML and FuzzPlain hold it to that.
//
// It exists because a home agent's file lists each of its mobile nodes: the library takes three hundred times the
// memory of the text, and a simulation reads a file for each of a hundred thousand nodes.
func plain(lines []string) *node {
	r := &reader{lines: lines, odd: false}
	r.next()
	if r.at == len(lines) {
		return nil
	}
	root := r.block(0)
	if r.odd || r.at < len(lines) || root.kind == scalar {
		return nil
	}
	return root
}

// plainDepth is the number of levels in each other that plain reads itself.
const plainDepth = 16

// reader reads lines. What it cannot read makes the text odd, and ends the reading.
type reader struct {
	lines  []string
	at     int // the line
	column int // where what is left of it begins, from 0
	depth  int
	odd    bool
}

func (r *reader) rest() string { return r.lines[r.at][r.column:] }

// next goes to the beginning of the next line that is not empty, from the present one on.
func (r *reader) next() {
	for ; r.at < len(r.lines); r.at++ {
		line := r.lines[r.at]
		r.column = len(line) - len(strings.TrimLeft(line, " "))
		if line != "" {
			r.odd = r.odd || r.column == len(line)
			return
		}
	}
}

// line ends the present line.
func (r *reader) line() {
	r.at++
	r.next()
}

// more reports whether the next line belongs to the block at a column; a line further in is odd.
func (r *reader) more(column int) bool {
	if r.at == len(r.lines) || r.odd || r.column < column {
		return false
	}
	r.odd = r.column > column
	return !r.odd
}

func (r *reader) node(k kind) *node { return &node{kind: k, line: r.at + 1, column: r.column + 1} }

// down counts a level.
func (r *reader) down() {
	if r.depth++; r.depth > plainDepth {
		r.odd = true
	}
}

// block reads what begins at the present place: a map, a list, or one word or bracket that ends the line.
func (r *reader) block(least int) *node {
	if r.odd || r.column < least {
		r.odd = true
		return nil
	}
	r.down()
	defer func() { r.depth-- }()
	switch rest := r.rest(); {
	case strings.HasPrefix(rest, "- "):
		return r.blockList()
	case keyLen(rest) > 0:
		return r.blockMap()
	}
	n := r.value()
	if r.odd || r.rest() != "" {
		r.odd = true
		return nil
	}
	r.line()
	return n
}

func (r *reader) blockList() *node {
	out, column := r.node(list), r.column
	for first := true; first || r.more(column); first = false {
		rest := r.rest()
		if !strings.HasPrefix(rest, "- ") || strings.HasPrefix(rest, "- - ") || strings.HasPrefix(rest, "-  ") {
			r.odd = true
			return out
		}
		r.column += 2
		out.items = append(out.items, r.block(column+2))
		if r.odd {
			return out
		}
	}
	return out
}

func (r *reader) blockMap() *node {
	out, column := r.node(mapping), r.column
	for first := true; first || r.more(column); first = false {
		e := r.key(out)
		if r.odd {
			return out
		}
		if r.rest() == "" { // the value stands below, further in
			r.line()
			if r.at == len(r.lines) {
				r.odd = true
				return out
			}
			e.value = r.block(column + 1)
		} else if r.space(); !r.odd {
			if e.value = r.value(); r.odd || r.rest() != "" {
				r.odd = true
				return out
			}
			r.line()
		}
		out.keys = append(out.keys, e)
	}
	return out
}

// keyLen is the length of the key that text begins with, without its colon; 0 if there is none.
func keyLen(text string) int {
	n := 0
	for n < len(text) && (letter(text[n]) || n > 0 && digit(text[n])) {
		n++
	}
	if n == len(text) || text[n] != ':' || n+1 < len(text) && text[n+1] != ' ' || special(text[:n]) {
		return 0
	}
	return n
}

// key reads a key and its colon.
func (r *reader) key(m *node) entry {
	n := keyLen(r.rest())
	if n == 0 || len(m.keys) >= MaxKeys/2 {
		r.odd = true
		return entry{}
	}
	e := entry{key: r.rest()[:n], line: r.at + 1, column: r.column + 1}
	for _, other := range m.keys {
		r.odd = r.odd || other.key == e.key
	}
	r.column += n + 1
	return e
}

// space reads one blank with something behind it.
func (r *reader) space() {
	if rest := r.rest(); len(rest) < 2 || rest[0] != ' ' || rest[1] == ' ' {
		r.odd = true
		return
	}
	r.column++
}

// value reads a word or a bracket.
func (r *reader) value() *node {
	switch rest := r.rest(); {
	case rest == "":
		r.odd = true
		return nil
	case rest[0] == '{' || rest[0] == '[':
		return r.flow()
	case rest[0] == '"':
		return r.quoted()
	}
	return r.word()
}

// flow reads a map or a list in brackets.
func (r *reader) flow() *node {
	r.down()
	defer func() { r.depth-- }()
	out, end := r.node(list), byte(']')
	if r.rest()[0] == '{' {
		out.kind, end = mapping, '}'
	}
	r.column++
	for !r.odd {
		if out.kind == mapping {
			e := r.key(out)
			if r.odd {
				break
			}
			r.space()
			if r.odd {
				break
			}
			e.value = r.value()
			out.keys = append(out.keys, e)
		} else {
			item := r.value()
			if !r.odd && strings.Contains(item.text, ":") { // the library sees a map in "{a: [b:c]}"
				r.odd = true
			}
			out.items = append(out.items, item)
		}
		if r.odd || r.rest() == "" {
			break
		}
		rest := r.rest()
		r.column++
		if rest[0] == end {
			if out.kind == mapping {
				out.line, out.column = out.keys[0].line, out.keys[0].column
			}
			return out
		}
		if rest[0] != ',' {
			break
		}
		r.space()
	}
	r.odd = true
	return nil
}

// quoted reads a word in double quotes that holds nothing to be unquoted.
func (r *reader) quoted() *node {
	out := r.node(scalar)
	rest := r.rest()[1:]
	end := strings.IndexByte(rest, '"')
	if end < 0 {
		r.odd = true
		return nil
	}
	out.text = rest[:end]
	for i := range end {
		if !wordly(out.text[i]) && out.text[i] != ' ' {
			r.odd = true
		}
	}
	r.column += end + 2
	return out
}

// word reads a word without quotes.
func (r *reader) word() *node {
	out, rest, n := r.node(scalar), r.rest(), 0
	for n < len(rest) && wordly(rest[n]) {
		n++
	}
	out.text = rest[:n]
	if n == 0 || !letter(rest[0]) && !digit(rest[0]) || rest[n-1] == ':' || special(out.text) {
		r.odd = true
		return nil
	}
	if digit(rest[0]) {
		switch {
		case decimal(out.text):
			out.plain = true
		case numberly(out.text): // some number or other, or nearly
			r.odd = true
		}
	}
	out.plain = out.plain || out.text == "true" || out.text == "false"
	r.column += n
	return out
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// wordly are the octets of words: names, addresses, durations, paths.
func wordly(c byte) bool { return letter(c) || digit(c) || strings.IndexByte(".:/@-", c) >= 0 }

// special are words that YAML takes, or once took, for something else.
func special(word string) bool {
	switch strings.ToLower(word) {
	case "true", "false":
		return word != "true" && word != "false"
	case "null", "nan", "inf", "yes", "no", "on", "off", "y", "n":
		return true
	}
	return false
}

// decimal reports a whole number that everyone reads alike.
func decimal(word string) bool {
	const longest = 18 // digits of 63 bits
	if strings.HasPrefix(word, "0x") {
		return len(word) > 2 && len(word) <= 10 && strings.Trim(word[2:], "0123456789abcdef") == ""
	}
	return len(word) <= longest && strings.Trim(word, "0123456789") == "" && (word == "0" || word[0] != '0')
}

// numberly reports a word that might be a number or a date.
func numberly(word string) bool { return strings.Trim(word, "0123456789abcdefABCDEFxXoO._-TZ") == "" }
