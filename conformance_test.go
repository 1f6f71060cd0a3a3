package roam6

import (
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Files of the conformance table.
const (
	requirementsFile = "docs/requirements.txt"
	conformanceFile  = "docs/conformance.md"
)

var update = flag.Bool("update", false, "write "+conformanceFile+" anew")

// TestConformance holds docs/conformance.md against the marks in code and tests. A line comment `//spec MIP-05 FH-22` says
// that what it stands at serves these rows; in a doc comment gofmt makes it `// spec`.
func TestConformance(t *testing.T) {
	rows, err := readRequirements()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tree(t) {
		for _, m := range marks(s) {
			r := rows.find(m.id)
			if r == nil {
				t.Errorf("%s:%d: there is no requirement %s; %s lists them", s.path, m.line, m.id, requirementsFile)
				continue
			}
			r.mark(s, m.name)
		}
	}
	want := rows.table()
	if *update {
		if err := os.WriteFile(conformanceFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(conformanceFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != string(want) {
		t.Errorf("%s is stale; run: go test . -run TestConformance -update", conformanceFile)
	}
}

// TestMarks shows what counts as a mark and which declaration it belongs to.
func TestMarks(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"package x\n\n// F does.\n//\n// spec MIP-01 FH-22\nfunc F() {}\n", "MIP-01 F, FH-22 F"},
		{"package x\n\nfunc F() {\n\tg() //spec MIP-02\n}\n", "MIP-02 F"},
		{"package x\n\ntype T struct{} //spec MIP-03\n", "MIP-03 T"},
		{"package x\n\nfunc (t *T) F() {} //spec MIP-04, MIP-05 and why\n", "MIP-04 T.F, MIP-05 T.F"},
		{"package x\n\n//spec MIP-06\n\nvar a = 1\n", "MIP-06 a"},
		{"package x\n\n// The spec MIP-01 says so.\nvar a = 1\n", ""},
		{"package x\n\n//spec MIP-99\nvar a = \"//spec MIP-01\"\n", "MIP-99 a"},
	} {
		var got []string
		for _, m := range marks(parse(t, "x/x.go", []byte(c.text))) {
			got = append(got, m.id+" "+m.name)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%q\ngot  %q\nwant %q", c.text, got, c.want)
		}
	}
}

// mark is one requirement named at one place.
type mark struct {
	id   string
	name string // of the declaration it stands in, on, or before
	line int
}

var idForm = regexp.MustCompile(`^(RT|FH|MPA|DM|MIP)-[0-9]+$`)

// marks finds every mark of a file.
func marks(s source) []mark {
	var list []mark
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			words := strings.Fields(strings.TrimPrefix(c.Text, "//"))
			if len(words) < 2 || words[0] != "spec" || !strings.HasPrefix(c.Text, "//") {
				continue
			}
			for _, w := range words[1:] {
				id := strings.TrimRight(w, ",;.:")
				if !idForm.MatchString(id) {
					break
				}
				list = append(list, mark{id, declarationAt(s, c.Pos()), s.fset.Position(c.Pos()).Line})
			}
		}
	}
	return list
}

// declarationAt names the declaration that a position belongs to: the first that ends on its line or after it.
func declarationAt(s source, at token.Pos) string {
	line := s.fset.Position(at).Line
	for _, d := range s.file.Decls {
		if s.fset.Position(d.End()).Line < line {
			continue
		}
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				return d.Name.Name
			}
			return strings.TrimPrefix(exprOf(d.Recv.List[0].Type), "*") + "." + d.Name.Name
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				continue
			}
			return specAt(s, d, line)
		}
	}
	return "package " + s.file.Name.Name
}

// specAt names the type, variable or constant of a declaration that ends on a line or after it.
func specAt(s source, d *ast.GenDecl, line int) string {
	for _, sp := range d.Specs {
		if s.fset.Position(sp.End()).Line < line {
			continue
		}
		switch sp := sp.(type) {
		case *ast.TypeSpec:
			return sp.Name.Name
		case *ast.ValueSpec:
			return sp.Names[0].Name
		}
	}
	return "package " + s.file.Name.Name
}

// exprOf writes a receiver's type.
func exprOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return exprOf(e.X)
	case *ast.IndexExpr: // a generic type
		return exprOf(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

// requirement is a row of the table.
type requirement struct {
	id, what, note string
	code, tests    map[string][]string // names by file
}

// section is a group of rows.
type section struct {
	title string
	rows  []*requirement
}

type requirements []*section

func readRequirements() (requirements, error) {
	text, err := os.ReadFile(requirementsFile)
	if err != nil {
		return nil, err
	}
	var list requirements
	seen := map[string]bool{}
	for i, l := range strings.Split(string(text), "\n") {
		id, rest, _ := strings.Cut(l, " ")
		switch {
		case l == "":
		case id == "#":
			list = append(list, &section{title: rest}) // the head of the file is a section without rows
		case !idForm.MatchString(id) || seen[id] || rest == "" || list == nil:
			return nil, fmt.Errorf("%s:%d: %q is neither a heading (#) nor a new id with its text", requirementsFile, i+1, l)
		default:
			seen[id] = true
			r := &requirement{id: id, code: map[string][]string{}, tests: map[string][]string{}}
			r.what, r.note, _ = strings.Cut(rest, " -- so far: ")
			last := list[len(list)-1]
			last.rows = append(last.rows, r)
		}
	}
	return slices.DeleteFunc(list, func(s *section) bool { return s.rows == nil }), nil
}

func (l requirements) find(id string) *requirement {
	for _, s := range l {
		for _, r := range s.rows {
			if r.id == id {
				return r
			}
		}
	}
	return nil
}

func (r *requirement) mark(s source, name string) {
	where := r.code
	if s.test {
		where = r.tests
	}
	if !slices.Contains(where[s.path], name) {
		where[s.path] = append(where[s.path], name)
	}
}

// state says how far a row is.
func (r *requirement) state() string {
	switch {
	case len(r.code) == 0 && len(r.tests) == 0:
		return "–"
	case r.note != "":
		return "begun: " + r.note
	case len(r.tests) == 0:
		return "code only"
	case len(r.code) == 0:
		return "test only"
	}
	return "done"
}

// table writes docs/conformance.md.
func (l requirements) table() []byte {
	var b strings.Builder
	b.WriteString(`# Conformance

Made from the marks ` + "`//spec ID`" + ` in code and tests by ` + "`go test . -run TestConformance -update`" + `; do not edit. What each row asks for
stands in [requirements.txt](requirements.txt). *done*: code and a test that fails without it; *begun*: part of it is there, namely
what is said; *code only*: no test names it; –: not there.

| | rows | done | begun | code or test only | – |
|---|---|---|---|---|---|
`)
	for _, s := range l {
		n := map[string]int{}
		for _, r := range s.rows {
			state, _, _ := strings.Cut(r.state(), ":")
			n[state]++
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", s.title, len(s.rows), n["done"], n["begun"], n["code only"]+n["test only"], n["–"])
	}
	for _, s := range l {
		fmt.Fprintf(&b, "\n## %s\n\n| id | what | code | tests | state |\n|---|---|---|---|---|\n", s.title)
		for _, r := range s.rows {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.id, r.what, places(r.code), places(r.tests), r.state())
		}
	}
	return []byte(b.String())
}

// places lists files with the names in them, without line numbers: those would make the table stale with every edit.
func places(where map[string][]string) string {
	var list []string
	for file, names := range where { //order:any — sorted below
		slices.Sort(names)
		list = append(list, fmt.Sprintf("[%s](../%s) %s", filepath.ToSlash(file), file, strings.Join(names, ", ")))
	}
	slices.Sort(list)
	return strings.Join(list, "<br>")
}
