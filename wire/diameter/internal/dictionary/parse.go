// Package dictionary reads dictionary.txt of wire/diameter and writes what is made of it: Go tables, and the dictionaries of freeDiameter and
// Wireshark. It runs in a test of its own, which `go generate` calls; nothing of it is in a program.
package dictionary

import (
	"fmt"
	"strconv"
	"strings"
)

// Dictionary is the content of dictionary.txt in its order.
type Dictionary struct {
	Vendors, Apps, Results []Number
	AVPs                   []*AVP
	Commands               []*Command
}

// Number is a name with a number.
type Number struct {
	Name string
	N    uint32
}

// AVP is the definition of an AVP.
type AVP struct {
	Name         string
	Code, Vendor uint32
	Type         string
	Rule         string // "M", "m" or "-"
	Secret       bool
	Values       []Number
	Rules        []Rule
}

// Command is a request and its answer.
type Command struct {
	Name, Short     string // "Capabilities-Exchange", "CER"
	Code            uint32
	App             string
	Proxiable       bool
	Request, Answer []Rule
}

// Rule says how often an AVP stands in a command or group. Max -1 is any number.
type Rule struct {
	AVP      string
	Min, Max int
	Fixed    bool
}

// Types are those of RFC 6733 §4.2 and §4.3 that the dictionary may use.
var Types = []string{"OctetString", "Integer32", "Integer64", "Unsigned32", "Unsigned64", "Grouped", "Address", "Time", "UTF8String",
	"DiameterIdentity", "DiameterURI", "Enumerated"}

// reader is where a parser stands.
type reader struct {
	d       *Dictionary
	avp     *AVP
	command *Command
	rules   *[]Rule // what rules are added to
}

// Parse reads a dictionary. Its error names the line.
func Parse(text string) (*Dictionary, error) {
	r := reader{d: &Dictionary{}}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if err := r.line(words); err != nil {
			return nil, fmt.Errorf("dictionary.txt:%d: %w", i+1, err)
		}
	}
	return r.d, r.d.check()
}

func (r *reader) line(w []string) error {
	switch w[0] {
	case "vendor":
		return numbered(&r.d.Vendors, w)
	case "application":
		return numbered(&r.d.Apps, w)
	case "result":
		return numbered(&r.d.Results, w)
	case "=":
		if r.avp == nil {
			return fmt.Errorf("a value outside an avp")
		}
		return numbered(&r.avp.Values, w)
	case "avp":
		return r.define(w)
	case "command":
		return r.begin(w)
	case "request", "answer":
		if r.command == nil {
			return fmt.Errorf("%s outside a command", w[0])
		}
		r.rules = &r.command.Request
		if w[0] == "answer" {
			r.rules = &r.command.Answer
		}
		return nil
	}
	if r.rules == nil {
		return fmt.Errorf("%q: want vendor, application, result, avp or command", w[0])
	}
	rule, err := parseRule(w)
	*r.rules = append(*r.rules, rule)
	return err
}

func numbered(list *[]Number, w []string) error {
	if len(w) != 3 {
		return fmt.Errorf("want %s NAME NUMBER", w[0])
	}
	n, err := strconv.ParseUint(w[2], 10, 32)
	*list = append(*list, Number{w[1], uint32(n)})
	return err
}

func (r *reader) define(w []string) error {
	if len(w) != 6 && (len(w) != 7 || w[6] != "secret") {
		return fmt.Errorf("want avp NAME CODE VENDOR TYPE RULE [secret]")
	}
	code, err := strconv.ParseUint(w[2], 10, 32)
	if err != nil {
		return err
	}
	a := &AVP{Name: w[1], Code: uint32(code), Type: w[4], Rule: w[5], Secret: len(w) == 7}
	if w[3] != "-" {
		v := find(r.d.Vendors, w[3])
		if v == nil {
			return fmt.Errorf("vendor %s is not defined above", w[3])
		}
		a.Vendor = v.N
	}
	if !strings.Contains("M m -", w[5]) {
		return fmt.Errorf("rule %s: want M, m or -", w[5])
	}
	r.d.AVPs = append(r.d.AVPs, a)
	r.avp, r.rules, r.command = a, nil, nil
	if a.Type == "Grouped" {
		r.rules = &a.Rules
	}
	return nil
}

func (r *reader) begin(w []string) error {
	if len(w) != 5 && (len(w) != 6 || w[5] != "PXY") {
		return fmt.Errorf("want command NAME SHORT CODE APPLICATION [PXY]")
	}
	code, err := strconv.ParseUint(w[3], 10, 24)
	r.command = &Command{Name: w[1], Short: w[2], Code: uint32(code), App: w[4], Proxiable: len(w) == 6}
	r.d.Commands = append(r.d.Commands, r.command)
	r.avp, r.rules = nil, nil
	return err
}

// parseRule reads "1* { Name }".
func parseRule(w []string) (Rule, error) {
	r := Rule{Max: 1}
	many := ""
	if strings.HasSuffix(w[0], "*") {
		many, w, r.Max = w[0], w[1:], -1
	}
	if len(w) != 3 {
		return r, fmt.Errorf("want [1*|*] { NAME }, [ NAME ] or < NAME >")
	}
	r.AVP = w[1]
	switch w[0] + w[2] + many {
	case "{}", "{}1*":
		r.Min = 1
	case "<>":
		r.Min, r.Fixed = 1, true
	case "[]", "[]*":
	default:
		return r, fmt.Errorf("%s %s %s %s is not a rule", many, w[0], w[1], w[2])
	}
	return r, nil
}

func find(list []Number, name string) *Number {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// avp finds a definition by its name.
func (d *Dictionary) avp(name string) *AVP {
	for _, a := range d.AVPs {
		if a.Name == name {
			return a
		}
	}
	return nil
}
