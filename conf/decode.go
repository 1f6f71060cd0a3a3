package conf

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Defaults is implemented (by pointer) by structs that hold values before their keys are read.
type Defaults interface{ Defaults() }

// Decode fills v, a pointer to a struct, from the file. Keys that are absent leave their fields as they are. All
// problems are reported together; each is an *Error.
func (d *Doc) Decode(v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		panic("conf: Decode needs a pointer to a struct")
	}
	c := &decoder{doc: d}
	c.value(d.root, target.Elem(), "")
	return Join(c.errs...)
}

// decoder gathers the problems of one Decode.
type decoder struct {
	doc  *Doc
	errs []error
	met  map[reflect.Type][]field // fields of the structs met so far
}

// fieldsOf are the fields of a struct. A list has thousands of the same kind.
func (c *decoder) fieldsOf(t reflect.Type) []field {
	list, ok := c.met[t]
	if !ok {
		if c.met == nil {
			c.met = map[reflect.Type][]field{}
		}
		list = fieldsOf(t)
		c.met[t] = list
	}
	return list
}

// fail notes a problem at a place. An override has no place in a file.
func (c *decoder) fail(line, column int, e Error) {
	e.File = c.doc.file
	if e.Key == "" {
		e.Key = "(the whole file)"
	}
	if line > 0 {
		e.Line, e.Column, e.Excerpt = line, column, c.doc.excerpt(line, column)
	}
	c.errs = append(c.errs, &e)
}

// wrong notes a value of the wrong kind.
func (c *decoder) wrong(n *node, path, allowed string) {
	e := Error{Key: path, Value: n.text, Allowed: allowed}
	if n.kind != scalar {
		e.Problem = string(n.kind) + " is not allowed here"
	}
	c.fail(n.line, n.column, e)
}

// value decodes n into v, whatever v is.
func (c *decoder) value(n *node, v reflect.Value, path string) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
			if x, ok := v.Interface().(Defaults); ok {
				x.Defaults()
			}
		}
		c.value(n, v.Elem(), path)
		return
	}
	if isScalar(v.Type()) {
		c.scalar(n, v, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		c.structure(n, v, path)
	case reflect.Slice:
		c.list(n, v, path)
	case reflect.Map:
		c.mapping(n, v, path)
	default:
		panic(fmt.Sprintf("conf: %s: cannot decode into %s", path, v.Type()))
	}
}

// structure decodes a map into a struct. Nothing at all ("ar:") is a map without keys.
func (c *decoder) structure(n *node, v reflect.Value, path string) {
	fields := c.fieldsOf(v.Type())
	if n.kind != mapping && n.kind != null {
		c.wrong(n, path, "a map with the keys "+strings.Join(names(fields), ", "))
		return
	}
	given := map[string]bool{}
	for _, e := range n.keys {
		given[e.key] = true
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == e.key })
		if i < 0 {
			c.unknown(e, join(path, e.key), names(fields))
			continue
		}
		before := len(c.errs)
		if e.value.kind == scalar && likeSecret.MatchString(e.key) && !v.Field(fields[i].index).Type().Implements(hiddenType) {
			c.doc.known = append(c.doc.known, knownValue{e.value.line, e.key, e.value.text})
		}
		c.value(e.value, v.Field(fields[i].index), join(path, e.key))
		if fields[i].allowed != nil && len(c.errs) == before {
			c.word(e.value, v.Field(fields[i].index), join(path, e.key), fields[i].allowed)
		}
	}
	for _, f := range fields {
		if f.required && !given[f.name] {
			c.fail(n.line, n.column, Error{Key: join(path, f.name), Problem: "is missing", Allowed: f.doc})
		}
	}
}

// unknown notes a key that no field has.
func (c *decoder) unknown(e entry, path string, keys []string) {
	allowed := "the keys here are " + strings.Join(keys, ", ")
	if near := Nearest(e.key, keys); near != "" {
		allowed += fmt.Sprintf(" (did you mean %q?)", near)
	}
	c.fail(e.line, e.column, Error{Key: path, Problem: "is not a key", Allowed: allowed})
}

// word checks a text against the words its field allows.
func (c *decoder) word(n *node, v reflect.Value, path string, allowed []string) {
	if v.Kind() != reflect.String || slices.Contains(allowed, v.String()) {
		return
	}
	words := strings.Join(allowed, ", ")
	if near := Nearest(v.String(), allowed); near != "" {
		words += fmt.Sprintf(" (did you mean %q?)", near)
	}
	c.wrong(n, path, words)
}

func (c *decoder) list(n *node, v reflect.Value, path string) {
	if n.kind == null {
		v.SetZero()
		return
	}
	if n.kind != list {
		c.wrong(n, path, "a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		if x, ok := out.Index(i).Addr().Interface().(Defaults); ok {
			x.Defaults()
		}
		c.value(item, out.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(out)
}

func (c *decoder) mapping(n *node, v reflect.Value, path string) {
	if n.kind == null {
		v.SetZero()
		return
	}
	if n.kind != mapping {
		c.wrong(n, path, "a map")
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.keys))
	for _, e := range n.keys {
		item := reflect.New(v.Type().Elem()).Elem()
		c.value(e.value, item, join(path, e.key))
		out.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), item)
	}
	v.Set(out)
}

// field is what the tags of a struct field say.
type field struct {
	name     string
	index    int
	required bool
	doc      string
	allowed  []string
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("yaml")
		if !ok || tag == "-" {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		x := field{name: name, index: i, required: option == "required", doc: f.Tag.Get("doc")}
		if words := f.Tag.Get("allowed"); words != "" {
			x.allowed = strings.Split(words, "|")
		}
		out = append(out, x)
	}
	return out
}

func names(fields []field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.name)
	}
	slices.Sort(out)
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
