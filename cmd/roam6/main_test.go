package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"roam6/lab"
)

// TestMain lets scripts run this test binary as roam6.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"roam6": main})
}

// TestScripts runs the command line as users do; see testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_RUNTIME_DIR", e.WorkDir)
			e.Defer(func() { downLabs(t, e.WorkDir) })
			return os.Mkdir(e.WorkDir+"/out", 0o777)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "raced" {
				return raced, nil
			}
			if cond != "lab" {
				return false, nil
			}
			err := lab.Supported()
			if err != nil {
				t.Log(err)
			}
			return err == nil && !testing.Short(), nil
		},
	})
}

// downLabs takes down the labs of a script that failed before it did so
// itself: they outlive the process that put them up.
func downLabs(t *testing.T, runtimeDir string) {
	if _, err := os.Stat(runtimeDir + "/roam6"); err != nil {
		return
	}
	down := exec.Command("roam6", "lab", "down", "--all")
	down.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+runtimeDir)
	if out, err := down.CombinedOutput(); err != nil {
		t.Errorf("labs left up: %v\n%s", err, out)
	}
}
