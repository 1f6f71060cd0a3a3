// Command gotest runs `go test -json` with the arguments it is given and makes its stream short and countable: one line a
// package as go test itself prints it, the whole output of what failed, the reason of what was skipped. The counts are
// added to a tally, so that a run of several stages can say truthfully how many tests it ran.
//
//	go run ./ci/gotest -tally FILE -race ./driver/... ./lab/...
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	tally := flag.String("tally", "", "append a line `passed failed skipped` to this file")
	flag.Usage = func() { fmt.Fprintln(os.Stderr, "usage: gotest [-tally FILE] [--] ARGUMENTS OF go test") }
	args := split(os.Args[1:])
	_ = flag.CommandLine.Parse(args.ours)
	c, err := run(args.theirs, os.Stdout)
	if *tally != "" {
		if e := c.append(*tally); err == nil {
			err = e
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1)
	}
}

// arguments of this program, and of go test.
type arguments struct{ ours, theirs []string }

func split(args []string) arguments {
	for i, a := range args {
		if a == "-tally" {
			continue
		}
		if i > 0 && args[i-1] == "-tally" {
			continue
		}
		if a == "--" {
			return arguments{args[:i], args[i+1:]}
		}
		return arguments{args[:i], args[i:]}
	}
	return arguments{ours: args}
}

// run is one go test. Its error says that tests failed, or that there was nothing to run.
func run(args []string, w io.Writer) (counts, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	stream, err := cmd.StdoutPipe()
	if err != nil {
		return counts{}, err
	}
	if err := cmd.Start(); err != nil {
		return counts{}, err
	}
	c, err := read(stream, w)
	if e := cmd.Wait(); err == nil {
		err = e
	}
	if err == nil && c.failed > 0 {
		err = fmt.Errorf("%d tests failed", c.failed)
	}
	return c, err
}

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output, ImportPath string
}

// counts of tests; subtests count as tests.
type counts struct{ passed, failed, skipped int }

func (c counts) append(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, c.passed, c.failed, c.skipped)
	return err
}

// read prints what matters of a stream and counts.
func read(r io.Reader, w io.Writer) (counts, error) {
	var c counts
	said := map[[2]string]*strings.Builder{} // output of tests that have not ended
	failed := map[string]int{}               // tests of a package
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(w, lines.Text()) // not of test2json: say it as it is
			continue
		}
		key := [2]string{e.Package, e.Test}
		switch e.Action {
		case "output":
			if e.Test == "" && verdict(e.Output) {
				fmt.Fprint(w, e.Output)
				continue
			}
			if said[key] == nil {
				said[key] = &strings.Builder{}
			}
			said[key].WriteString(e.Output)
			continue
		case "build-output":
			fmt.Fprint(w, e.Output)
		case "pass":
			if e.Test != "" {
				c.passed++
			}
		case "skip":
			if e.Test != "" {
				c.skipped++
				fmt.Fprintf(w, "skip\t%s %s: %s\n", e.Package, e.Test, reason(said[key]))
			}
		case "fail":
			if e.Test != "" || failed[e.Package] == 0 { // a package that failed without a test counts as one
				c.failed++
				failed[e.Package]++
				fmt.Fprint(w, text(said[key]))
			}
		default:
			continue
		}
		delete(said, key)
	}
	return c, lines.Err()
}

// verdict reports whether a line is what go test says of a package.
func verdict(line string) bool {
	return strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "FAIL\t") || strings.HasPrefix(line, "?   \t")
}

func text(b *strings.Builder) string {
	if b == nil {
		return ""
	}
	return b.String()
}

// reason is what a test said before it skipped.
func reason(b *strings.Builder) string {
	var said []string
	for l := range strings.Lines(text(b)) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "=== ") || strings.HasPrefix(l, "--- ") {
			continue
		}
		said = append(said, l)
	}
	return strings.Join(said, " ")
}
