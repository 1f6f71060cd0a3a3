package roam6

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
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
