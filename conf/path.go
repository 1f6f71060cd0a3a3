package conf

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Fail makes the located error of a value that was decoded and then found wrong. Path is "roles[0].ha.prefix"; where the
// file does not have it (a default, a missing key), the error names the nearest place that it has.
func (d *Doc) Fail(path, value, allowed string) error {
	e := &Error{File: d.file, Key: path, Value: value, Allowed: allowed}
	for p := path; p != ""; p = parent(p) {
		if text, ok := d.set[p]; ok {
			e.File = overridePrefix + text
			return e
		}
	}
	n := d.root
	for _, step := range steps(path) {
		next := n.child(step)
		if next == nil {
			break
		}
		n = next
	}
	if d.hidden(n) {
		e.Value = "(hidden)"
	}
	e.Line, e.Column, e.Excerpt = n.line, n.column, d.excerpt(n.line, n.column)
	return e
}

func (d *Doc) hidden(n *node) bool { return slices.Contains(d.secrets, n) }

// HasSecrets reports whether the file, as far as it was decoded, holds secrets.
func (d *Doc) HasSecrets() bool { return len(d.secrets) > 0 }

// Has reports whether the file or an override gives the path a value.
func (d *Doc) Has(path string) bool {
	if _, ok := d.set[path]; ok {
		return true
	}
	n := d.root
	for _, step := range steps(path) {
		if n = n.child(step); n == nil {
			return false
		}
	}
	return true
}

// Set applies one override "path=value" (value is YAML: a word, or a list or map in one line) to v, which Decode filled.
// Errors of Fail name the override from then on.
func (d *Doc) Set(v any, assignment string) error {
	path, text, ok := strings.Cut(assignment, "=")
	if !ok {
		return &Error{File: overridePrefix + assignment, Problem: "has no value", Allowed: `key=value, such as "delays.air=2ms"`}
	}
	value, err := Parse(overridePrefix+assignment, []byte(text))
	if err != nil {
		return err
	}
	clearPlaces(value.root)
	c := &decoder{doc: value}
	c.assign(reflect.ValueOf(v).Elem(), steps(path), "", value.root)
	if len(c.errs) > 0 {
		return Join(c.errs...)
	}
	if d.set == nil {
		d.set = map[string]string{}
	}
	d.set[path] = assignment
	return nil
}

// clearPlaces forgets lines and columns: an override stands in no file.
func clearPlaces(n *node) {
	n.line, n.column = 0, 0
	for i := range n.keys {
		n.keys[i].line, n.keys[i].column = 0, 0
		clearPlaces(n.keys[i].value)
	}
	for _, item := range n.items {
		clearPlaces(item)
	}
}

// assign walks v along the path and decodes n into its end.
func (c *decoder) assign(v reflect.Value, path []string, done string, n *node) {
	if len(path) == 0 {
		c.value(n, v, done)
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	step := path[0]
	switch {
	case v.Kind() == reflect.Struct && !isScalar(v.Type()):
		fields := fieldsOf(v.Type())
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == step })
		if i < 0 {
			c.unknown(entry{key: step}, join(done, step), names(fields))
			return
		}
		before := len(c.errs)
		c.assign(v.Field(fields[i].index), path[1:], join(done, step), n)
		if fields[i].allowed != nil && len(c.errs) == before && len(path) == 1 {
			c.word(n, v.Field(fields[i].index), join(done, step), fields[i].allowed)
		}
	case v.Kind() == reflect.Slice && strings.HasPrefix(step, "["):
		i, err := strconv.Atoi(strings.Trim(step, "[]"))
		if err != nil || i < 0 || i >= v.Len() {
			c.fail(0, 0, Error{Key: done + step, Problem: "is not there", Allowed: fmt.Sprintf("the list has %d entries, counted from 0", v.Len())})
			return
		}
		c.assign(v.Index(i), path[1:], done+step, n)
	case v.Kind() == reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		item := reflect.New(v.Type().Elem()).Elem()
		key := reflect.ValueOf(step).Convert(v.Type().Key())
		if old := v.MapIndex(key); old.IsValid() {
			item.Set(old)
		}
		c.assign(item, path[1:], join(done, step), n)
		v.SetMapIndex(key, item)
	default:
		c.fail(0, 0, Error{Key: join(done, step), Problem: "is not a key", Allowed: done + " is one value"})
	}
}

// child is the value under one step of a path; nil when there is none.
func (n *node) child(step string) *node {
	if strings.HasPrefix(step, "[") {
		i, err := strconv.Atoi(strings.Trim(step, "[]"))
		if err != nil || i < 0 || i >= len(n.items) {
			return nil
		}
		return n.items[i]
	}
	for _, e := range n.keys {
		if e.key == step {
			return e.value
		}
	}
	return nil
}

// steps takes "roles[0].ha" apart: "roles", "[0]", "ha".
func steps(path string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' }) {
		for i := strings.IndexByte(part, '['); i >= 0; i = strings.IndexByte(part, '[') {
			if i > 0 {
				out = append(out, part[:i])
			}
			end := strings.IndexByte(part[i:], ']')
			if end < 0 {
				break
			}
			out = append(out, part[i:i+end+1])
			part = part[i+end+1:]
		}
		if part != "" {
			out = append(out, part)
		}
	}
	return out
}

// parent is a path without its last step.
func parent(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}
