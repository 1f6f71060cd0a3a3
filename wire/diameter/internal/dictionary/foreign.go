package dictionary

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ours says whether an AVP is of our application: the dictionaries of others have the rest already.
func (d *Dictionary) ours(a *AVP) bool { return a.Vendor != 0 }

// FreeDiameter is what the extension dict_json of freeDiameter reads. It holds our application alone; the base protocol is in freeDiameter,
// EAP in dict_eap.
func (d *Dictionary) FreeDiameter() ([]byte, error) {
	out := jsonDict{}
	for _, v := range d.Vendors {
		out.Vendors = append(out.Vendors, jsonNumber{v.N, v.Name})
	}
	for _, a := range d.AVPs {
		if !d.ours(a) {
			continue
		}
		j := jsonAVP{Code: a.Code, Vendor: a.Vendor, Name: a.Name, Type: a.Type, Flags: jsonFlags{Must: "V"}}
		switch a.Rule {
		case "M":
			j.Flags.Must += "M"
		case "-":
			j.Flags.MustNot = "M"
		}
		if a.Type == "Enumerated" {
			for _, v := range a.Values {
				j.EnumValues = append(j.EnumValues, jsonNumber{v.N, v.Name})
			}
		}
		out.AVPs = append(out.AVPs, j)
		if a.Type == "Grouped" {
			out.AVPRules = append(out.AVPRules, jsonRules{AVP: a.Name, Vendor: a.Vendor, Content: d.content(a.Rules)})
		}
	}
	for _, c := range d.Commands {
		app := find(d.Apps, c.App)
		if app.N < 1<<24 {
			continue
		}
		out.Applications = []jsonNumber{{app.N, app.Name}}
		for _, half := range []struct {
			name, must, mustNot string
			rules               []Rule
		}{{c.Name + "-Request", "RP", "E", c.Request}, {c.Name + "-Answer", "P", "RT", c.Answer}} {
			out.Commands = append(out.Commands, jsonCommand{c.Code, half.name, app.Name, jsonFlags{half.must, half.mustNot}})
			out.CommandRules = append(out.CommandRules, jsonRules{Command: half.name, Content: d.content(half.rules)})
		}
	}
	b, err := json.MarshalIndent(out, "", "  ")
	return append(b, '\n'), err
}

func (d *Dictionary) content(list []Rule) []jsonRule {
	var out []jsonRule
	for _, r := range list {
		if r.AVP == "AVP" {
			continue // others are allowed anyway
		}
		j := jsonRule{AVP: r.AVP, Vendor: d.avp(r.AVP).Vendor, First: r.Fixed, Min: r.Min, Max: r.Max}
		if r.Max < 0 {
			j.Max = "unbounded"
		}
		out = append(out, j)
	}
	return out
}

type jsonDict struct {
	Vendors      []jsonNumber
	AVPs         []jsonAVP
	Applications []jsonNumber
	Commands     []jsonCommand
	AVPRules     []jsonRules
	CommandRules []jsonRules
}

type jsonNumber struct {
	Code uint32
	Name string
}

type jsonFlags struct {
	Must    string `json:",omitempty"`
	MustNot string `json:",omitempty"`
}

type jsonAVP struct {
	Code, Vendor uint32
	Name, Type   string
	Flags        jsonFlags
	EnumValues   []jsonNumber `json:",omitempty"`
}

type jsonCommand struct {
	Code              uint32
	Name, Application string
	Flags             jsonFlags
}

type jsonRules struct {
	Command string `json:",omitempty"`
	AVP     string `json:",omitempty"`
	Vendor  uint32 `json:",omitempty"`
	Content []jsonRule
}

type jsonRule struct {
	AVP    string
	Vendor uint32 `json:",omitempty"`
	First  bool   `json:",omitempty"`
	Min    int
	Max    any
}

// Wireshark is a file in the form of its diameter/*.xml, with our vendor, application, commands and AVPs.
func (d *Dictionary) Wireshark() []byte {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- Generated from wire/diameter/dictionary.txt; what to do with it is in docs/diameter.md. -->")
	for _, v := range d.Vendors {
		p("<vendor vendor-id=%q code=\"%d\" name=%q>", v.Name, v.N, v.Name)
		for _, a := range d.AVPs {
			if a.Vendor == v.N {
				wireshark(p, a, v.Name)
			}
		}
		p("</vendor>")
	}
	for _, app := range d.Apps {
		if app.N < 1<<24 || app.N == 1<<32-1 {
			continue
		}
		p("<application id=\"%d\" name=%q>", app.N, app.Name)
		for _, c := range d.Commands {
			if c.App == app.Name {
				p("\t<command name=%q code=\"%d\" vendor-id=\"None\"/>", c.Name, c.Code)
			}
		}
		p("</application>")
	}
	return []byte(b.String())
}

func wireshark(p func(string, ...any), a *AVP, vendor string) {
	mandatory := map[string]string{"M": "must", "m": "may", "-": "mustnot"}[a.Rule]
	p("\t<avp name=%q code=\"%d\" mandatory=%q vendor-bit=\"must\" vendor-id=%q>", a.Name, a.Code, mandatory, vendor)
	if a.Type == "Grouped" {
		p("\t\t<grouped>")
		for _, r := range a.Rules {
			if r.AVP != "AVP" {
				p("\t\t\t<gavp name=%q/>", r.AVP)
			}
		}
		p("\t\t</grouped>")
	} else {
		kind := a.Type
		if kind == "Address" {
			kind = "IPAddress" // its name for it
		}
		p("\t\t<type type-name=%q/>", kind)
	}
	if a.Type == "Enumerated" {
		for _, v := range a.Values {
			p("\t\t<enum name=%q code=\"%d\"/>", v.Name, v.N)
		}
	}
	p("\t</avp>")
}
