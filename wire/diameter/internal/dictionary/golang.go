package dictionary

import (
	"fmt"
	"go/format"
	"strings"
)

// Go is dict_gen.go.
func (d *Dictionary) Go() ([]byte, error) {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("// Code generated from dictionary.txt by go generate; DO NOT EDIT.\n\npackage diameter\n")
	p("// Vendors.\nconst (")
	for _, v := range d.Vendors {
		p("Vendor%s uint32 = %d", camel(v.Name), v.N)
	}
	p(")\n\n// Applications.\nconst (")
	for _, a := range d.Apps {
		p("App%s uint32 = %d", camel(a.Name), a.N)
	}
	p(")\n\n// Commands.\nconst (")
	for _, c := range d.Commands {
		p("%s uint32 = %d // %s, %s", camel(c.Name), c.Code, c.Short, answerName(c))
	}
	p(")\n\n// Result codes, RFC 6733 §7.1.\nconst (")
	for _, r := range d.Results {
		p("%s ResultCode = %d", camel(r.Name), r.N)
	}
	p(")\n\n// AVPs.\nvar (")
	for _, a := range d.AVPs {
		p("%s = Key{Code: %d, Vendor: %d}", goName(a), a.Code, a.Vendor)
	}
	p(")\n")
	for _, a := range d.AVPs {
		if len(a.Values) > 0 {
			p("// Values of %s.\nconst (", a.Name)
			for _, v := range a.Values {
				p("%s%s uint32 = %d", camel(a.Name), camel(v.Name), v.N)
			}
			p(")\n")
		}
	}
	d.tables(p)
	return format.Source([]byte(b.String()))
}

// tables writes what the checker reads.
func (d *Dictionary) tables(p func(string, ...any)) {
	at := map[string]int{}
	p("var resultNames = []named{")
	for _, r := range d.Results {
		p("{%d, %q},", r.N, "DIAMETER_"+r.Name)
	}
	p("}\n\nvar appNames = []named{")
	for _, a := range d.Apps {
		p("{%d, %q},", a.N, a.Name)
	}
	p("}\n\n// definitions begins with none: an index of 0 is an AVP that is not known.\nvar definitions = [...]Definition{\n{},")
	for i, a := range d.AVPs {
		at[a.Name] = i + 1
		must, mustNot := "0", "0"
		switch a.Rule {
		case "M":
			must = "Mandatory"
		case "-":
			mustNot = "Mandatory"
		}
		p("{Name: %q, Key: %s, Type: %s, Must: %s, MustNot: %s, Secret: %v, values: %s},",
			a.Name, goName(a), a.Type, must, mustNot, a.Secret, values(a))
	}
	p("}\n")
	d.indices(p, at)
	p("// groups are the grammars of grouped AVPs, by the index of the AVP.\nvar groups = [...][]rule{")
	for _, a := range d.AVPs {
		if a.Type == "Grouped" {
			p("%d: %s,", at[a.Name], rules(a.Rules, at))
		}
	}
	p("}\n\nvar commands = [...]command{")
	for _, c := range d.Commands {
		p("{name: %q, code: %d, app: %d, proxiable: %v,\nrequest: %s,\nanswer: %s},",
			c.Name, c.Code, find(d.Apps, c.App).N, c.Proxiable, rules(c.Request, at), rules(c.Answer, at))
	}
	p("}")
}

// indices writes the arrays that turn a code into a definition.
func (d *Dictionary) indices(p func(string, ...any), at map[string]int) {
	for _, v := range append([]Number{{"", 0}}, d.Vendors...) {
		p("var index%s = [...]uint16{", camel(v.Name))
		for _, a := range d.AVPs {
			if a.Vendor == v.N {
				p("%d: %d,", a.Code, at[a.Name])
			}
		}
		p("}\n")
	}
}

func values(a *AVP) string {
	if len(a.Values) == 0 {
		return "nil"
	}
	var b strings.Builder
	for _, v := range a.Values {
		fmt.Fprintf(&b, "{%d, %q}, ", v.N, v.Name)
	}
	return "[]named{" + b.String() + "}"
}

func rules(list []Rule, at map[string]int) string {
	var b strings.Builder
	b.WriteString("[]rule{")
	for _, r := range list {
		fmt.Fprintf(&b, "{%d, %d, %d, %v}, ", at[r.AVP], r.Min, max(r.Max, 0), r.Fixed)
	}
	return b.String() + "}"
}

// answerName is the short name of an answer: CEA for CER.
func answerName(c *Command) string { return strings.TrimSuffix(c.Short, "R") + "A" }

// goName is the name of an AVP's key. Result-Code is a type already.
func goName(a *AVP) string {
	if a.Name == "Result-Code" {
		return "ResultCodeAVP"
	}
	return camel(a.Name)
}

// acronyms keep their capitals in names made of words in capitals.
var acronyms = map[string]bool{"AVP": true, "HOR": true, "ID": true, "HA": true, "MN": true, "AR": true, "AES": true, "GCM": true}

// camel turns Origin-Host and ORIGIN_HOST into OriginHost.
func camel(name string) string {
	var b strings.Builder
	for _, w := range strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' }) {
		switch {
		case w == "Id":
			w = "ID"
		case w == "AVPS":
			w = "AVPs"
		case acronyms[w]:
		case w == strings.ToUpper(w) && strings.Contains(name, "_"), w == strings.ToUpper(w) && len(w) > 3 && w != "MIPV6":
			w = w[:1] + strings.ToLower(w[1:])
		default:
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		b.WriteString(w)
	}
	return b.String()
}
