package scenario

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"roam6/conf"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// Topologies.
const (
	TwoOperators = "two-operators"
	Explicit     = "explicit"
)

// List gives the built-in scenarios by name.
func List() []*Scenario {
	entries, err := builtin.ReadDir("builtin")
	if err != nil {
		panic("scenario: " + err.Error()) // embedded: always there
	}
	var out []*Scenario
	for _, e := range entries {
		s, err := Load(strings.TrimSuffix(e.Name(), ".yaml"))
		if err != nil {
			panic("scenario: " + err.Error()) // a test loads them all
		}
		out = append(out, s)
	}
	return out
}

// Load gives a built-in scenario.
func Load(name string) (*Scenario, error) {
	text, err := builtin.ReadFile(path.Join("builtin", name+".yaml"))
	if err != nil {
		var names []string
		entries, _ := builtin.ReadDir("builtin")
		for _, e := range entries {
			names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
		}
		return nil, fmt.Errorf("there is no scenario %q; the built-in ones are %s; a file of your own is given with its path (./%s.yaml)",
			name, strings.Join(names, ", "), name)
	}
	return Read(name+".yaml", text)
}

// Read parses a scenario file. The text is kept: Plan reads it again for each run, since overrides change it.
func Read(file string, text []byte) (*Scenario, error) {
	s, _, err := read(file, text, nil)
	return s, err
}

// read parses, applies overrides and checks.
func read(file string, text []byte, set []string) (*Scenario, *conf.Doc, error) {
	doc, err := conf.Parse(file, text)
	if err != nil {
		return nil, nil, err
	}
	s := &Scenario{file: file, text: slices.Clone(text)}
	s.Defaults()
	if err := doc.Decode(s); err != nil {
		return nil, nil, err
	}
	for _, a := range set {
		if err := doc.Set(s, a); err != nil {
			return nil, nil, err
		}
	}
	if err := s.check(doc); err != nil {
		return nil, nil, err
	}
	s.walk()
	return s, doc, nil
}

// Text is the file as it was read.
func (s *Scenario) Text() []byte { return slices.Clone(s.text) }

// Schema is the published JSON schema of scenario files, docs/schema/scenario.json.
func Schema() []byte { return conf.Schema("roam6 scenario", Scenario{}) }
