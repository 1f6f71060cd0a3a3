package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// A view is read by its form alone, so that what a role shows of itself is printed without anything here that knows roles: single values
// stand on a line, an object below its name, a list of objects is a table.

// object is a JSON object whose keys keep their order.
type object struct {
	keys   []string
	values []any
}

// viewTables prints a view, or the views of several roles by their names, for people.
func viewTables(w io.Writer, view json.RawMessage) error {
	d := json.NewDecoder(bytes.NewReader(view))
	d.UseNumber()
	v, err := ordered(d)
	if err != nil {
		return err
	}
	o, ok := v.(object)
	if !ok {
		_, err = fmt.Fprintln(w, cell(v))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	o.print(t, "")
	return t.Flush()
}

// ordered reads one value.
func ordered(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := ordered(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		var o object
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := ordered(d)
			if err != nil {
				return nil, err
			}
			o.keys, o.values = append(o.keys, printable(fmt.Sprint(k))), append(o.values, v)
		}
		_, err = d.Token()
		return o, err
	}
	return t, nil
}

// print writes an object: its single values, then what is below it, each under its path.
func (o object) print(w io.Writer, path string) {
	var line []string
	for i, v := range o.values {
		if !below(v) {
			line = append(line, o.keys[i]+" "+orWord(cell(v), "-"))
		}
	}
	if len(line) > 0 {
		fmt.Fprintln(w, strings.TrimPrefix(path+": "+strings.Join(line, ", "), ": "))
	}
	for i, v := range o.values {
		at := strings.TrimSpace(path + " " + o.keys[i])
		switch v := v.(type) {
		case object:
			if leaf(v) {
				if text := cell(v); text != "" {
					fmt.Fprintf(w, "%s: %s\n", at, text)
				}
				continue
			}
			v.print(w, at)
		case []any:
			if below(v) {
				fmt.Fprintf(w, "\n%s\n", at)
				table(w, v)
				fmt.Fprintln(w)
			}
		}
	}
}

// below says whether a value is printed under the object that it is of.
func below(v any) bool {
	if list, ok := v.([]any); ok {
		return slices.ContainsFunc(list, func(v any) bool { _, is := v.(object); return is })
	}
	_, ok := v.(object)
	return ok
}

// leaf says whether an object has single values alone, such as counts.
func leaf(o object) bool { return !slices.ContainsFunc(o.values, below) }

// table prints a list of objects: the columns are all keys there are.
func table(w io.Writer, list []any) {
	var keys []string
	for _, v := range list {
		if o, ok := v.(object); ok {
			for _, k := range o.keys {
				if !slices.Contains(keys, k) {
					keys = append(keys, k)
				}
			}
		}
	}
	fmt.Fprintf(w, "  %s\n", strings.Join(keys, "\t"))
	for _, v := range list {
		o, _ := v.(object)
		row := make([]string, len(keys))
		for i, k := range keys {
			row[i] = "-"
			if j := slices.Index(o.keys, k); j >= 0 {
				row[i] = orWord(cell(o.values[j]), "-")
			}
		}
		fmt.Fprintf(w, "  %s\n", strings.Join(row, "\t"))
	}
}

// cell is a value in a few words. Of an object, such as counts, what is zero is left out; one of nothing but zeros is 0.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return printable(v)
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case object:
		var words []string
		zero := ""
		for i, x := range v.values {
			switch text := cell(x); text {
			case "", "no":
			case "0":
				zero = text
			default:
				words = append(words, v.keys[i]+" "+text)
			}
		}
		return orWord(strings.Join(words, ", "), zero)
	case []any:
		var words []string
		for _, x := range v {
			words = append(words, cell(x))
		}
		return strings.Join(words, " ")
	}
	return fmt.Sprint(v)
}
