package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"roam6/lab"
	"roam6/role/mn"
	"roam6/scenario"
)

// Completion for shells. What a shell asks for may not wait or fail: where nothing answers, nothing is proposed.

// completeAll gives commands that say nothing of their own what they take, so that a shell proposes no file there.
func completeAll(root *cobra.Command) {
	for path, f := range map[string]cobra.CompletionFunc{
		"lab move": labMove, "lab exec": labExec, "lab down": nothing, "lab list": nothing, "lab status": nothing,
		"doctor": nothing, "version": nothing, "scenario list": nothing, "scenario schema": nothing, "node schema": nothing,
		"node run": nothing, "node check": nothing,
	} {
		c, _, err := root.Find(strings.Fields(path))
		must(err)
		if c.ValidArgsFunction == nil {
			c.ValidArgsFunction = f
		}
	}
}

func nothing(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// scenarioNames completes the argument SCENARIO.
func scenarioNames(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, s := range scenario.List() {
		out = append(out, cobra.CompletionWithDesc(s.Name, s.Title))
	}
	return out, cobra.ShellCompDirectiveDefault
}

// strategies completes --strategy.
var strategies = cobra.FixedCompletions(mn.Strategies, cobra.ShellCompDirectiveNoFileComp)

// setKeys completes --set: the keys of a scenario, and after "=" the words that a key takes.
func setKeys(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	keys := settable(scenario.Schema())
	if key, _, ok := strings.Cut(typed, "="); ok {
		var out []cobra.Completion
		for _, k := range keys {
			for _, word := range k.words {
				if k.path == key {
					out = append(out, key+"="+word)
				}
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, k := range keys {
		out = append(out, cobra.CompletionWithDesc(k.path+"=", k.what))
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// setKey is a key that --set may change.
type setKey struct {
	path, what string
	words      []string // the values, when they are words
}

// shape is the part of a JSON schema that completion reads.
type shape struct {
	Type        any              `json:"type"`
	Description string           `json:"description"`
	Enum        []any            `json:"enum"`
	Properties  map[string]shape `json:"properties"`
}

// settable reads a schema's keys down to its scalars and lists, in alphabetical order.
func settable(schema []byte) []setKey {
	var root shape
	must(json.Unmarshal(schema, &root))
	var out []setKey
	var walk func(prefix string, s shape)
	walk = func(prefix string, s shape) {
		for name, p := range s.Properties {
			if len(p.Properties) > 0 {
				walk(prefix+name+".", p)
				continue
			}
			k := setKey{path: prefix + name, what: p.Description}
			for _, w := range p.Enum {
				if word, ok := w.(string); ok {
					k.words = append(k.words, word)
				}
			}
			if p.Type == "boolean" {
				k.words = []string{"true", "false"}
			}
			out = append(out, k)
		}
	}
	walk("", root)
	slices.SortFunc(out, func(a, b setKey) int { return strings.Compare(a.path, b.path) })
	return out
}

// labStatus is the state of the lab that a command line means.
func labStatus(c *cobra.Command) (lab.Status, bool) {
	name, _ := c.Flags().GetString("name")
	l, err := dialLab(name)
	if err != nil {
		return lab.Status{}, false
	}
	st, err := l.Status()
	return st, err == nil
}

// labExec completes a node's name, then what shells complete themselves.
func labExec(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	st, ok := labStatus(c)
	if !ok || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var out []cobra.Completion
	for _, n := range st.Nodes {
		out = append(out, n.Name)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// labMove completes a mobile node's name, then a cell's.
func labMove(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	st, ok := labStatus(c)
	if !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	switch len(args) {
	case 0:
		for _, n := range st.Nodes {
			if n.Mobile {
				out = append(out, n.Name)
			}
		}
	case 1:
		out = st.Cells
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// controlNames completes ctl -n: the nodes that have a control socket.
func controlNames(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	have, _ := filepath.Glob(filepath.Join(controlDir, "*.sock"))
	var out []cobra.Completion
	for _, h := range have {
		out = append(out, strings.TrimSuffix(filepath.Base(h), ".sock"))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
