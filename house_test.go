// The rules of the house, as a test: which room may import which, and what pure rooms may not touch. A failure names
// file, line and reason. ARCHITECTURE.md draws the same picture for people.
package roam6

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "roam6"

// arrows lists, for each room, the rooms it may import besides itself. A room is the first element of the path; "wire/ip6"
// allows that package alone.
var arrows = map[string][]string{
	"wire":     {},
	"keying":   {},
	"conf":     {},
	"store":    {"wire/krb5", "wire/diameter", "keying"},
	"plane":    {"wire/ip6"},
	"engine":   {"plane"},
	"machine":  {"engine", "wire", "keying", "plane"},
	"handover": {"engine", "machine", "wire", "keying", "plane"},
	"role":     {"engine", "machine", "handover", "wire", "keying", "plane", "store/subscriber/profile", "store/subscriber/principal"},
	"node":     {"role", "engine", "machine", "plane", "conf"},
	"scenario": {"engine", "plane", "conf"},
	"driver":   {"engine", "plane", "store", "wire/ip6", "wire/icmp6"},
	"sim":      {"engine", "plane", "wire", "scenario", "store/subscriber/profile", "store/subscriber/principal"},
	"lab":      {"driver", "scenario", "engine", "plane"},
	"web":      {"engine", "scenario"},
	"cmd":      {"*"},
	"ci":       {"node", "role/mn", "scenario"},
}

// siblings are rooms whose packages may not import each other, and why.
var siblings = map[string]string{
	"machine":  "machines return facts; the role that owns two of them decides what one means to the other",
	"role":     "roles talk over their wire protocol, even on one host",
	"handover": "a strategy is a room of its own; what two share belongs in package handover",
}

// pure rooms run in every world and in the browser: no clock, no randomness, no I/O, no concurrency of their own.
var pure = []string{"wire", "keying", "conf", "plane", "engine", "machine", "handover", "role", "node", "scenario", "sim"}

// bannedImports in pure rooms, with the reason.
var bannedImports = map[string]string{
	"net":                   "sockets belong to the driver; addresses are netip",
	"net/http":              "sockets belong to the driver",
	"os":                    "files and the environment belong to cmd and driver",
	"os/exec":               "processes belong to the lab",
	"os/signal":             "signals belong to cmd",
	"sync":                  "engines have no goroutines, so there is nothing to lock",
	"sync/atomic":           "engines have no goroutines, so there is nothing to lock",
	"syscall":               "the operating system belongs to the driver",
	"crypto/rand":           "randomness comes from engine.Rand, so that equal seeds give equal bytes",
	"math/rand":             "randomness comes from engine.Rand, so that equal seeds give equal bytes",
	"log":                   "engines tell events; logging is a reader of them",
	"log/slog":              "engines tell events; logging is a reader of them",
	"unsafe":                "not needed, and not portable",
	"runtime":               "worlds must not look different to protocol code",
	"golang.org/x/sys/unix": "the operating system belongs to the driver",
}

// bannedCalls in pure rooms: the clock and the global random source.
var bannedCalls = map[string]string{
	"time.Now":       "time comes in as engine.Now",
	"time.Since":     "time comes in as engine.Now",
	"time.Until":     "time comes in as engine.Now",
	"time.Sleep":     "waiting is a deadline",
	"time.After":     "waiting is a deadline",
	"time.AfterFunc": "waiting is a deadline",
	"time.NewTimer":  "waiting is a deadline",
	"time.NewTicker": "waiting is a deadline",
	"time.Tick":      "waiting is a deadline",
	"rand.Int":       "global randomness does not repeat",
	"rand.IntN":      "global randomness does not repeat",
	"rand.Uint64":    "global randomness does not repeat",
	"rand.Float64":   "global randomness does not repeat",
	"rand.Shuffle":   "global randomness does not repeat",
	"rand.Perm":      "global randomness does not repeat",
}

// bannedNames of packages: drawers in which everything ends up.
var bannedNames = []string{"util", "utils", "common", "misc", "helper", "helpers", "shared", "base", "types", "model", "manager", "service"}

// source is one Go file of the tree.
type source struct {
	path string // slash-separated, from the root
	room string
	test bool
	file *ast.File
	fset *token.FileSet
	text []string // lines, for marks
}

func TestHouse(t *testing.T) {
	for _, s := range tree(t) {
		for _, problem := range inspect(s) {
			t.Error(problem)
		}
	}
}

// TestHouseSeesTrespass plants what the rules forbid and wants each to be named with its line.
func TestHouseSeesTrespass(t *testing.T) {
	for _, c := range []struct{ path, text, want string }{
		{"role/mn/x.go", "package mn\nimport _ \"roam6/role/ha\"\n", "role/mn/x.go:2: role/mn may not import role/ha"},
		{"machine/dad/x.go", "package dad\nimport _ \"roam6/machine/sa\"\n", "machine/dad/x.go:2: machine/dad may not import machine/sa"},
		{"handover/mipv6/x.go", "package mipv6\nimport _ \"roam6/handover/fast\"\n", "handover/mipv6/x.go:2"},
		{"wire/mh/x.go", "package mh\nimport _ \"roam6/engine\"\n", "wire/mh/x.go:2: wire may not import engine"},
		{"plane/x.go", "package plane\nimport _ \"roam6/wire/mh\"\n", "plane/x.go:2: plane may not import wire/mh"},
		{"sim/x.go", "package sim\nimport _ \"roam6/role/mn\"\n", "sim/x.go:2: sim may not import role/mn"},
		{"engine/x.go", "package engine\nimport \"time\"\nvar t = time.Now()\n", "engine/x.go:3: time.Now"},
		{"engine/x.go", "package engine\nimport _ \"sync\"\n", "engine/x.go:2: pure rooms may not import sync"},
		{"engine/x.go", "package engine\nfunc f() { go f() }\n", "engine/x.go:2: go statement"},
		{"engine/x.go", "package engine\nfunc f(m map[int]int) { for range m {\n} }\n", "engine/x.go:2: range over the map m"},
		{"engine/x.go", "package engine\ntype s struct{ m map[int]int }\nfunc f(x s) { for range x.m {\n} }\n", "engine/x.go:3: range over the map x.m"},
		{"engine/x.go", "package engine\nfunc f(c chan int) { select {} }\n", "engine/x.go:2: select"},
		{"util/x.go", "package util\n", "util/x.go:1: a package named util"},
	} {
		got := strings.Join(inspect(parse(t, c.path, []byte(c.text))), "\n")
		if !strings.Contains(got, c.want) {
			t.Errorf("%s\n%s\nproblems: %q\nwant:     %q", c.path, c.text, got, c.want)
		}
	}
	ok := "package engine\nfunc f(m map[int]int) {\n\tfor k := range m { //order:any — deletion\n\t\tdelete(m, k)\n\t}\n}\n"
	if got := inspect(parse(t, "engine/x.go", []byte(ok))); len(got) > 0 {
		t.Errorf("a marked range is refused: %q", got)
	}
}

// TestEveryPackageIsDocumented wants a package comment in every package.
func TestEveryPackageIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range tree(t) {
		if !s.test {
			dir := filepath.Dir(s.path)
			documented[dir] = documented[dir] || s.file.Doc != nil
		}
	}
	for _, dir := range slices.Sorted(func(yield func(string) bool) {
		for dir := range documented {
			if !yield(dir) {
				return
			}
		}
	}) {
		if !documented[dir] {
			t.Errorf("%s: no package comment; say in doc.go what the room does, by which RFC sections, and what it does not", dir)
		}
	}
}

func inspect(s source) []string {
	var found []string
	say := func(pos token.Pos, format string, args ...any) {
		found = append(found, fmt.Sprintf("%s:%d: ", s.path, s.fset.Position(pos).Line)+fmt.Sprintf(format, args...))
	}
	if slices.Contains(bannedNames, s.file.Name.Name) {
		say(s.file.Package, "a package named %s is a drawer; name it after what it does, or put it with its first user", s.file.Name.Name)
	}
	for _, imp := range s.file.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		checkArrow(s, path, func(format string, args ...any) { say(imp.Pos(), format, args...) })
		if why := bannedImports[path]; why != "" && isPure(s) {
			say(imp.Pos(), "pure rooms may not import %s: %s", path, why)
		}
	}
	if isPure(s) {
		checkPurity(s, say)
	}
	return found
}

// isPure says whether the purity rules hold for a file. Tests of pure rooms may use files and the clock, since they run on a real machine.
func isPure(s source) bool { return !s.test && slices.Contains(pure, s.room) }

// checkArrow holds an import against the arrows. Tests may import more: they hand one room to another as cmd does.
func checkArrow(s source, path string, say func(string, ...any)) {
	rest, ours := strings.CutPrefix(path, module+"/")
	if !ours || s.test || s.room == "" {
		return
	}
	target, _, _ := strings.Cut(rest, "/")
	here := filepath.ToSlash(filepath.Dir(s.path))
	if target == s.room {
		why, are := siblings[s.room]
		if are && strings.Count(rest, "/") >= 1 && second(rest) != second(here) {
			say("%s may not import %s: %s", here, rest, why)
		}
		return
	}
	allowed, known := arrows[s.room]
	if !known {
		say("the room %s is not in the plan; add it to arrows in house_test.go and to ARCHITECTURE.md", s.room)
		return
	}
	if slices.Contains(allowed, "*") || slices.Contains(allowed, target) || slices.Contains(allowed, rest) {
		return
	}
	say("%s may not import %s: it may import %v", s.room, rest, allowed)
}

// second gives the package below a room: "mn" of "role/mn/x".
func second(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

func checkPurity(s source, say func(token.Pos, string, ...any)) {
	maps := mapNames(s.file)
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			say(n.Pos(), "go statement: engines have no goroutines of their own")
		case *ast.SelectStmt:
			say(n.Pos(), "select: engines have no channels")
		case *ast.ChanType:
			say(n.Pos(), "channel: engines have no goroutines of their own")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				name := x.Name + "." + n.Sel.Name
				if why := bannedCalls[name]; why != "" && x.Obj == nil {
					say(n.Pos(), "%s: %s", name, why)
				}
			}
		case *ast.RangeStmt:
			name := exprName(n.X)
			last := name[strings.LastIndex(name, ".")+1:]
			if maps[last] && !strings.Contains(s.text[s.fset.Position(n.Pos()).Line-1], "//order:any") {
				say(n.Pos(), "range over the map %s: its order changes from run to run; sort the keys, or mark the line //order:any and say why order cannot matter", name)
			}
		}
		return true
	})
}

// mapNames collects the names that a file declares as maps: variables, parameters, fields. A name is taken for a map
// wherever the file uses it; a mark on the line settles a wrong guess.
func mapNames(f *ast.File) map[string]bool {
	names := map[string]bool{}
	add := func(idents []*ast.Ident, typ ast.Expr) {
		if _, ok := typ.(*ast.MapType); ok {
			for _, id := range idents {
				names[id.Name] = true
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			add(n.Names, n.Type)
		case *ast.ValueSpec:
			add(n.Names, n.Type)
			for i, v := range n.Values {
				if i < len(n.Names) && makesMap(v) {
					names[n.Names[i].Name] = true
				}
			}
		case *ast.AssignStmt:
			for i, v := range n.Rhs {
				if id, ok := n.Lhs[min(i, len(n.Lhs)-1)].(*ast.Ident); ok && makesMap(v) {
					names[id.Name] = true
				}
			}
		}
		return true
	})
	return names
}

func makesMap(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		_, ok := e.Type.(*ast.MapType)
		return ok
	case *ast.CallExpr:
		if id, ok := e.Fun.(*ast.Ident); ok && id.Name == "make" && len(e.Args) > 0 {
			_, ok := e.Args[0].(*ast.MapType)
			return ok
		}
	}
	return false
}

func exprName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return exprName(e.X) + "." + e.Sel.Name
	}
	return ""
}

// tree parses every Go file of the repository.
func tree(t *testing.T) []source {
	t.Helper()
	var list []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "scratch") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		list = append(list, parse(t, filepath.ToSlash(path), nil))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Fatalf("only %d Go files found: the walk is broken", len(list))
	}
	return list
}

func parse(t *testing.T, path string, text []byte) source {
	t.Helper()
	if text == nil {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	s := source{path: path, fset: token.NewFileSet(), test: strings.HasSuffix(path, "_test.go"), text: strings.Split(string(text), "\n")}
	if room, _, below := strings.Cut(path, "/"); below {
		s.room = room
	}
	f, err := parser.ParseFile(s.fset, path, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	s.file = f
	return s
}
