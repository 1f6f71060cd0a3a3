package diameter

import "testing"

// No grammar has two rules for one AVP: wherever one begins to look, it finds the same.
func TestOneRuleForEach(t *testing.T) {
	once := func(what string, rules []rule) {
		for n, r := range rules {
			if r.index == 0 {
				continue
			}
			for from := range rules {
				if got := ruleOf(int(r.index), rules, from); got != n {
					t.Errorf("%s: from %d rule %d of %s, want %d", what, from, got, definitions[r.index].Name, n)
				}
			}
		}
	}
	for _, c := range commands {
		once(c.name+"-Request", c.request)
		once(c.name+"-Answer", c.answer)
	}
	for i, rules := range groups {
		once(definitions[i].Name, rules)
	}
	once("an answer that reports a failure", errorAnswer)
}
