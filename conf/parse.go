package conf

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a configuration.
const (
	MaxKeys  = 1000     // keys of one map: the parser's time grows with their square, and no configuration has so many
	MaxText  = 16 << 20 // octets of one file: a home agent with tens of thousands of mobile nodes
	MaxPlain = 1 << 28  // octets of one file without anything but maps, lists and words, which costs less: a million mobile nodes
	MaxDepth = 64       // levels of lists and maps in each other
)

// Doc is one configuration file, parsed but not yet given a meaning.
type Doc struct {
	file    string
	lines   []string
	root    *node
	secrets []*node           // values decoded into Secret types, covered in excerpts
	known   []knownValue      // values that are named like secrets and are none, such as names of files
	set     map[string]string // path -> assignment that replaced its value (Set)
}

// node is a value of the file.
type node struct {
	kind         kind
	text         string // scalar: as written, without quotes
	plain        bool   // scalar: a number or boolean to YAML
	line, column int
	keys         []entry
	items        []*node
}

type kind string

const (
	scalar  kind = "a value"
	mapping kind = "a map"
	list    kind = "a list"
	null    kind = "nothing"
)

type entry struct {
	key          string
	line, column int
	value        *node
}

// Parse reads the syntax of a file. Errors are *Error and name the place.
func Parse(file string, text []byte) (*Doc, error) {
	if len(text) <= MaxPlain {
		d := &Doc{file: file, lines: strings.Split(string(text), "\n")}
		if d.root = plain(d.lines); d.root != nil {
			return d, nil
		}
	}
	return parse(file, text)
}

// parse reads any file, by the YAML library.
func parse(file string, text []byte) (doc *Doc, err error) {
	d := &Doc{file: file}
	if len(text) > MaxText {
		return nil, &Error{File: file, Problem: fmt.Sprintf("is too long: at most %d octets", MaxText)}
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF")) // as some editors begin every file
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	d.lines = strings.Split(string(text), "\n")
	// The YAML library panics on some malformed texts (its own fuzzing finds them from time to time). Parse is the
	// only door to it, and the text is all that crosses, so a panic here means a malformed text and nothing else.
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, d.syntax(1, 1, "this is not YAML")
		}
	}()
	if line, column, why := d.scan(text); why != "" {
		return nil, d.syntax(line, column, why)
	}
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, d.located(err)
	}
	d.root = &node{kind: null, line: 1, column: 1}
	found := 0
	for _, body := range f.Docs {
		if body.Body == nil {
			continue
		}
		if found++; found > 1 {
			at := body.Body.GetToken().Position
			return nil, d.syntax(at.Line, at.Column, "a second document is not allowed in one file")
		}
		if d.root, err = d.convert(body.Body, 0); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *Doc) syntax(line, column int, why string) error {
	return &Error{File: d.file, Line: line, Column: column, Problem: why, Excerpt: d.excerpt(line, column)}
}

// located turns an error of the YAML library into ours.
func (d *Doc) located(err error) error {
	var at interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
		p := at.GetToken().Position
		if err := d.tab(p.Line, strings.Contains(at.GetMessage(), "\t") || strings.Contains(at.GetMessage(), "tab character")); err != nil {
			return err
		}
		return d.syntax(p.Line, p.Column, at.GetMessage())
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return d.syntax(1, 1, first)
}

// scan looks at the tokens before they are parsed: it refuses what conf leaves out, and nesting that would exhaust the
// parser's stack.
func (d *Doc) scan(text []byte) (line, column int, why string) {
	if bytes.IndexByte(text, 0) >= 0 {
		return 1, 1, "this is not text: it holds a zero octet"
	}
	flow, opened, on := 0, 0, 0
	var keys keyCount
	var before *token.Token
	for _, t := range lexer.Tokenize(string(text)) {
		p := t.Position
		if keys.over(t, before, flow) {
			return p.Line, p.Column, fmt.Sprintf("more than %d keys in one map", MaxKeys)
		}
		before = t
		if p.Line != on {
			opened, on = 0, p.Line
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return p.Line, p.Column, "anchors, aliases and merge keys are not allowed: write the value where it is used"
		case token.TagType, token.DirectiveType:
			return p.Line, p.Column, "tags and directives are not allowed: write the plain value"
		case token.MappingKeyType:
			return p.Line, p.Column, `a key marked by "?" is not allowed: write "key: value"`
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType:
			opened++
		case token.MappingValueType:
			if flow == 0 {
				opened++
			}
		}
		if flow > MaxDepth || opened > MaxDepth {
			return p.Line, p.Column, fmt.Sprintf("more than %d levels in each other", MaxDepth)
		}
	}
	return 0, 0, ""
}

// keyCount counts the keys of the block maps that are open, by the column their keys stand in.
type keyCount struct{ columns []columnKeys }

type columnKeys struct{ column, n int }

// over counts a token and reports whether it is a key too many. before is the token in front of it: the key itself.
func (k *keyCount) over(t, before *token.Token, flow int) bool {
	column := 0
	switch {
	case t.Type == token.SequenceEntryType:
		column = t.Position.Column
	case t.Type == token.MappingValueType && flow == 0 && before != nil:
		column = before.Position.Column
	default:
		return false
	}
	for len(k.columns) > 0 && k.columns[len(k.columns)-1].column > column {
		k.columns = k.columns[:len(k.columns)-1] // the maps further in have ended
	}
	if t.Type == token.SequenceEntryType {
		return false
	}
	if len(k.columns) == 0 || k.columns[len(k.columns)-1].column < column {
		k.columns = append(k.columns, columnKeys{column: column})
	}
	k.columns[len(k.columns)-1].n++
	return k.columns[len(k.columns)-1].n > MaxKeys
}

// convert takes what we need out of the library's tree.
func (d *Doc) convert(n ast.Node, depth int) (*node, error) {
	at := n.GetToken().Position
	out := &node{line: at.Line, column: at.Column}
	if depth > MaxDepth {
		return nil, d.syntax(at.Line, at.Column, fmt.Sprintf("more than %d levels in each other", MaxDepth))
	}
	switch v := n.(type) {
	case *ast.NullNode:
		out.kind = null
	case *ast.StringNode:
		out.kind, out.text = scalar, v.Value
	case *ast.LiteralNode:
		out.kind, out.text = scalar, v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text, out.plain = scalar, n.GetToken().Value, true
	case *ast.SequenceNode:
		out.kind = list
		if v.Start != nil {
			out.line, out.column = v.Start.Position.Line, v.Start.Position.Column
		}
		for _, x := range v.Values {
			item, err := d.convert(x, depth+1)
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
		}
	case *ast.MappingNode:
		return d.convertMap(out, v.Values, depth)
	case *ast.MappingValueNode:
		return d.convertMap(out, []*ast.MappingValueNode{v}, depth)
	default:
		return nil, d.syntax(at.Line, at.Column, fmt.Sprintf("a YAML %s is not allowed", n.Type()))
	}
	return out, nil
}

func (d *Doc) convertMap(out *node, values []*ast.MappingValueNode, depth int) (*node, error) {
	out.kind = mapping
	seen := make(map[string]bool, len(values))
	for _, kv := range values {
		key := kv.Key.GetToken()
		e := entry{key: key.Value, line: key.Position.Line, column: key.Position.Column}
		if seen[e.key] {
			return nil, d.syntax(e.line, e.column, fmt.Sprintf("the key %q stands here a second time", e.key))
		}
		seen[e.key] = true
		var err error
		if e.value, err = d.convert(kv.Value, depth+1); err != nil {
			return nil, err
		}
		if e.value.kind == null {
			e.value.line, e.value.column = e.line, e.column
		}
		out.keys = append(out.keys, e)
	}
	if len(out.keys) > 0 {
		out.line, out.column = out.keys[0].line, out.keys[0].column
	}
	return out, nil
}

// Generic reads a text into maps, lists, strings, numbers and booleans, as a checker of JSON schemas wants them.
func Generic(text []byte) (any, error) {
	d, err := Parse("text", text)
	if err != nil {
		return nil, err
	}
	return d.root.generic(), nil
}

func (n *node) generic() any {
	switch n.kind {
	case mapping:
		out := make(map[string]any, len(n.keys))
		for _, e := range n.keys {
			out[e.key] = e.value.generic()
		}
		return out
	case list:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = item.generic()
		}
		return out
	case null:
		return nil
	}
	if n.plain {
		if f, err := strconv.ParseFloat(n.text, 64); err == nil {
			return f
		}
		if i, err := strconv.ParseUint(n.text, 0, 53); err == nil { // 0x1001, as YAML 1.2 has it
			return float64(i)
		}
		if n.text == "true" || n.text == "false" {
			return n.text == "true"
		}
	}
	return n.text
}
