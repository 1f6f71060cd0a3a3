package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
)

// TestExitStatuses holds command lines to the statuses that scripts rely on.
func TestExitStatuses(t *testing.T) {
	silence(t)
	for line, want := range map[string]int{
		"version":                                    exitDone,
		"scenario list":                              exitDone,
		"nonsense":                                   exitUsage,
		"sim run":                                    exitUsage,
		"sim run nowhere":                            exitUsage,
		"sim run commute --flag":                     exitUsage,
		"sim run commute --seed x":                   exitUsage,
		"sim run commute --set a=b":                  exitUsage,
		"sim run commute --seeds 0":                  exitUsage,
		"sim run commute --seeds -1":                 exitUsage,
		"sim run commute --nodes NaN":                exitUsage,
		"node check":                                 exitUsage,
		"help nosuch":                                exitUsage,
		"completion nosuch":                          exitUsage,
		"--version":                                  exitDone,
		"compare commute --set expect.handovers=9":   exitFailed,
		"node check -c /no/such/file":                exitUsage,
		"ctl -s /no/such/socket view":                exitFailed,
		"ctl -s a -n b view":                         exitUsage,
		"replay /no/such/journal":                    exitUsage,
		"node check -c /dev/zero":                    exitUsage, // has no end
		"sim run /dev/zero":                          exitUsage,
		"replay /dev/zero -c ../../examples/ha.yaml": exitUsage,
		"sim run commute -q --set expect.max_interruption=1ms": exitFailed,
	} {
		root := rootCmd()
		root.SetArgs(strings.Fields(line))
		root.SetOut(&bytes.Buffer{})
		cmd, err := root.ExecuteContextC(t.Context())
		var said bytes.Buffer
		if got := conclude(&said, cmd, err); got != want {
			t.Errorf("roam6 %s: status %d, want %d (%s)", line, got, want, &said)
		}
		if n := strings.Count(said.String(), "\n"); n > 12 {
			t.Errorf("roam6 %s: %d lines of error", line, n)
		}
	}
}

func TestConclude(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
		text string
	}{
		{nil, exitDone, ""},
		{ended(7), 7, ""},
		{ended(0), exitDone, ""},
		{lacks(errors.New("no tun")), exitLacks, "roam6: no tun\n"},
		{fmt.Errorf("while: %w", usagef("bad %d", 1)), exitUsage, "roam6: while: bad 1\n"},
		{fmt.Errorf("x: %w", syscall.EMFILE), exitLacks, "roam6: x: too many open files; what to do: allow more open files, such as ulimit -n 1024, or LimitNOFILE=1024 in a unit\n"},
		{fmt.Errorf("x: %w", context.Canceled), exitFailed, "roam6: interrupted\n"},
		{work(func(*cobra.Command, []string) error { return errors.New("disk full") })(nil, nil), exitFailed, "roam6: disk full\n"},
	} {
		var b bytes.Buffer
		if got := conclude(&b, nil, c.err); got != c.want || b.String() != c.text {
			t.Errorf("%v: status %d, text %q; want %d, %q", c.err, got, &b, c.want, c.text)
		}
	}
}

// silence throws standard output and error away while a test runs.
func silence(t *testing.T) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, errs := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = null, null
	t.Cleanup(func() { os.Stdout, os.Stderr = out, errs; null.Close() })
}
