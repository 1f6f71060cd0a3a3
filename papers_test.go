package roam6

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"roam6/node"
	"roam6/scenario"
)

// Lengths beyond which a paper is no longer read.
const (
	maxArchitecture = 150 // lines
	maxDecision     = 60
)

// papers are all Markdown files of the repository.
func papers(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 10 {
		t.Fatalf("only %d papers found: the walk is broken", len(all))
	}
	return all
}

var (
	link = regexp.MustCompile(`\]\(([^)# ]*)(#[^) ]*)?\)`)
	file = regexp.MustCompile("`([a-z0-9_]+/[a-z0-9_./-]+)`") // a path of ours when its first element is a room
)

// TestPaperLinks wants every link between papers to lead somewhere, and every file they name to be there.
func TestPaperLinks(t *testing.T) {
	for _, paper := range papers(t) {
		text, err := os.ReadFile(paper)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if m[1] == "" || strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(paper), m[1])); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", paper, m[1])
			}
		}
		for _, m := range file.FindAllStringSubmatch(string(text), -1) {
			room, _, _ := strings.Cut(m[1], "/")
			if _, ours := arrows[room]; !ours || paper == "HACKING.md" { // HACKING.md names files to come
				continue
			}
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s: there is no %s", paper, m[1])
			}
		}
	}
}

func TestPaperLengths(t *testing.T) {
	limits := map[string]int{"ARCHITECTURE.md": maxArchitecture}
	decisions, _ := filepath.Glob("docs/decisions/*.md")
	for _, d := range decisions {
		limits[d] = maxDecision
	}
	for paper, limit := range limits {
		text, err := os.ReadFile(paper)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > limit {
			t.Errorf("%s has %d lines; %d at most, or nobody reads it", paper, n, limit)
		}
	}
}

// TestMapShowsArrows holds the table of ARCHITECTURE.md against the arrows that house_test.go enforces.
func TestMapShowsArrows(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{} // last column by room
	for l := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(l), "|"), "|")
		if len(cells) != 3 || !strings.HasPrefix(strings.TrimSpace(cells[0]), "`") {
			continue
		}
		room, _, _ := strings.Cut(strings.Trim(strings.TrimSpace(cells[0]), "`"), "`")
		room, _, _ = strings.Cut(room, "/")
		rows[room] = strings.Fields(strings.ReplaceAll(cells[2], "–", ""))
	}
	for room, allowed := range arrows {
		row, there := rows[room]
		if _, err := os.Stat(room); err != nil {
			continue // a room that is planned
		}
		want := slices.Sorted(slices.Values(allowed))
		if slices.Contains(allowed, "*") {
			want = []string{"everything"}
		}
		slices.Sort(row)
		if !there || !slices.Equal(row, want) {
			t.Errorf("ARCHITECTURE.md says that %s may import %v; house_test.go says %v", room, row, want)
		}
	}
}

// fence is a code block of a paper.
type fence struct {
	paper    string
	line     int    // of its first line
	language string // "" for none
	before   string // the line above it
	text     string
}

func (f fence) String() string { return fmt.Sprintf("%s:%d", f.paper, f.line) }

// fences are the code blocks of a paper.
func fences(paper string, text []byte) []fence {
	var out []fence
	var open *fence
	before, n := "", 0
	for l := range strings.Lines(string(text)) {
		n++
		trimmed := strings.TrimSpace(l)
		switch mark, is := strings.CutPrefix(trimmed, "```"); {
		case is && open == nil:
			open = &fence{paper: paper, line: n + 1, language: mark, before: before}
		case is:
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += l
		}
		before = trimmed
	}
	return out
}

// TestPaperExamples reads every YAML example of the papers as a user's file. Those of a whole scenario or node are read as they are;
// a part of a scenario is read with a name and a title above it.
func TestPaperExamples(t *testing.T) {
	read := 0
	for _, paper := range papers(t) {
		text, err := os.ReadFile(paper)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fences(paper, text) {
			if f.language != "yaml" || strings.Contains(f.text, "…") { // an ellipsis: not complete
				continue
			}
			read++
			if err := example(f.text); err != nil {
				t.Errorf("%v: %v", f, err)
			}
		}
	}
	if read < 2 {
		t.Errorf("only %d examples found: the walk is broken", read)
	}
}

// example reads one and works out what would run.
func example(text string) error {
	top := "\n" + text
	if strings.Contains(top, "\nroles:") {
		c, err := node.Parse("example.yaml", []byte(text))
		if err == nil {
			_, err = node.Build(c, [32]byte{})
		}
		return err
	}
	if !strings.Contains(top, "\nname:") {
		text = "name: example\ntitle: A part of a scenario\nlength: 25s\n" + text
	}
	s, err := scenario.Read("example.yaml", []byte(text))
	if err != nil {
		return err
	}
	p, err := s.Plan(scenario.Options{Strategy: "mipv6", Seed: 1, Nodes: 1})
	if err != nil {
		return err
	}
	for _, n := range p.Nodes {
		if n.Config == nil {
			continue
		}
		if _, err := node.Parse(n.Name+".yaml", n.Config); err != nil {
			return err
		}
	}
	return nil
}

// progress is what a long run says of itself.
var progress = regexp.MustCompile(`(?m)^ *[0-9.]+ s of [0-9a-z.]+, \d+ handovers? begun\n`)

// shown marks a code block as what a command prints. It is a comment of Markdown, which readers do not see; the block may begin
// with the command behind "$ ".
var shown = regexp.MustCompile(`^<!-- output of: (.+) -->$`)

// TestPaperOutput holds what the papers show of roam6's output against what it prints; the simulator prints the same everywhere.
// With -update it writes the papers anew.
func TestPaperOutput(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir, "./cmd/roam6").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	blocks := 0
	for _, paper := range papers(t) {
		text, err := os.ReadFile(paper)
		if err != nil {
			t.Fatal(err)
		}
		fresh := string(text)
		for _, f := range fences(paper, text) {
			m := shown.FindStringSubmatch(f.before)
			if m == nil {
				continue
			}
			blocks++
			want := printed(t, dir, m[1])
			if first, _, _ := strings.Cut(f.text, "\n"); strings.HasPrefix(first, "$ ") {
				want = first + "\n" + want
			}
			if f.text != want && !*update {
				t.Errorf("%v is not what the command prints; run: go test . -run TestPaperOutput -update\n%s", f, want)
			}
			fresh = strings.Replace(fresh, f.before+"\n```"+f.language+"\n"+f.text, f.before+"\n```"+f.language+"\n"+want, 1)
		}
		if *update && fresh != string(text) {
			if err := os.WriteFile(paper, []byte(fresh), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if blocks < 2 {
		t.Errorf("only %d blocks of output found: the walk is broken", blocks)
	}
}

// printed is what a command line prints, as a shell runs it where no terminal is.
//
// A run on a slow machine says on standard error how far it is.
func printed(t *testing.T, dir, line string) string {
	t.Helper()
	c := exec.Command("sh", "-c", line)
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "COLUMNS=", "LC_ALL=C.UTF-8")
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if said := progress.ReplaceAllString(errs.String(), ""); err != nil || said != "" || len(out) == 0 {
		t.Fatalf("%s: %v, %d octets\n%s", line, err, len(out), said)
	}
	return string(out)
}
