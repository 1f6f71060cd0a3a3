package main

import (
	"os"
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
			return os.Mkdir(e.WorkDir+"/out", 0o777)
		},
		Condition: func(cond string) (bool, error) {
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
