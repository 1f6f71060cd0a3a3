package dictionary

import (
	"errors"
	"fmt"
	"slices"
)

// MaxRules is the most rules of one grammar: the checker counts them in an array.
const MaxRules = 48

// check finds what does not fit together: names and numbers given twice, names that nothing defines.
func (d *Dictionary) check() error {
	var errs []error
	say := func(format string, args ...any) { errs = append(errs, fmt.Errorf("dictionary.txt: "+format, args...)) }
	names, keys := map[string]bool{}, map[[2]uint32]bool{}
	for _, a := range d.AVPs {
		k := [2]uint32{a.Code, a.Vendor}
		if names[a.Name] || keys[k] {
			say("avp %s, code %d: name or code is there twice", a.Name, a.Code)
		}
		names[a.Name], keys[k] = true, true
		if !slices.Contains(Types, a.Type) {
			say("avp %s: type %s is not one of %v", a.Name, a.Type, Types)
		}
		if a.Type == "Enumerated" && len(a.Values) == 0 {
			say("avp %s: an Enumerated without values", a.Name)
		}
	}
	rules := func(where string, list []Rule) {
		if len(list) > MaxRules {
			say("%s: over %d rules", where, MaxRules)
		}
		for i, r := range list {
			if r.AVP != "AVP" && !names[r.AVP] {
				say("%s: no avp is named %s", where, r.AVP)
			}
			if r.Fixed && i > 0 {
				say("%s: only the first AVP can have a fixed place", where)
			}
		}
	}
	for _, a := range d.AVPs {
		rules(a.Name, a.Rules)
	}
	for _, c := range d.Commands {
		if find(d.Apps, c.App) == nil {
			say("command %s: no application is named %s", c.Name, c.App)
		}
		rules(c.Name+" request", c.Request)
		rules(c.Name+" answer", c.Answer)
	}
	return errors.Join(errs...)
}
