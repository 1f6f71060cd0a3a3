package aaa

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"roam6/wire/diameter"
)

const flagPage = "../../docs/flags.md"

// TestFlagPage holds docs/flags.md against the outcomes that TestEveryCombination has a server show. UPDATE=1 writes it.
func TestFlagPage(t *testing.T) { //spec DM-15
	page := renderFlags()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(flagPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(flagPage)
	if err != nil || string(have) != page {
		t.Errorf("%s is not what the tests show (%v); run UPDATE=1 go test ./role/aaa -run TestFlagPage, and read it", flagPage, err)
	}
}

func renderFlags() string {
	var w strings.Builder
	w.WriteString(`# What a request's flags lead to

draft-le-aaa-diameter-mobileipv6-04 §9.2.1 prints a table of the flags in a MIPv6-Feature-Vector:
` + "\n```" + printed + "\n```\n" + `
P a home address is asked for, H it has to be at home, A a home agent is asked for, V rather in the visited domain; NP no preference. Below is what
the home AAA server does for all sixteen, as the tests of ` + "`role/aaa`" + ` have a server do it in every combination with what
the mobile node and its subscription have. This page is made by them.

- *own*: the request carries a Binding Update to the mobile node's own home agent (always with a home address), or, where it says
  *subscription*, the profile names it.
- *address*: the request or the profile names the home address.
- *offered*: the visited network offers a home agent (Visited-Home-Agent-Available).

| flags | supported | own home agent | address | offered | done | home address |
|---|---|---|---|---|---|---|
`)
	words := map[Has]string{Nowhere: "–", InProfile: "subscription", InRequest: "request"}
	for f := range mobileFlags + 1 {
		supported := "yes"
		if !Table[f].Supported {
			fmt.Fprintf(&w, "| %s | **no** | any | any | any | refused, %s | |\n", letters(f), code(diameter.ErrorFeaturesNotSupported))
			continue
		}
		for agent := Nowhere; agent <= InRequest; agent++ {
			for address := Nowhere; address <= InRequest; address++ {
				if agent == InRequest && address != InRequest {
					continue
				}
				without, with := expected(f, agent, address, false), expected(f, agent, address, true)
				offered := "either"
				if with != without {
					offered = "no"
				}
				row := func(offered string, o outcome) {
					fmt.Fprintf(&w, "| %s | %s | %s | %s | %s | %s | %s |\n", letters(f), supported, words[agent], words[address], offered, done(o), o.home)
				}
				row(offered, without)
				if with != without {
					row("yes", with)
				}
			}
		}
	}
	return w.String()
}

func done(o outcome) string {
	switch o.agent {
	case "own":
		return "the own home agent is asked"
	case "":
		if o.code == diameter.Success {
			return "authentication alone"
		}
		return "refused, " + code(o.code)
	}
	return "a home agent " + map[string]string{"home": "at home", "visited": "in the visited domain"}[o.agent]
}

func code(c diameter.ResultCode) string { return fmt.Sprintf("%d", uint32(c)) }
