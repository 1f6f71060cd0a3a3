package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// benchProcess is another program that a measurement takes. It ends when its standard input does, or by close.
type benchProcess struct {
	child *exec.Cmd
	stdin io.WriteCloser
	said  strings.Builder // what went wrong, in its words
}

// prepare makes the program ready to be started.
func (p *benchProcess) prepare(name string, args ...string) (err error) {
	p.child = exec.Command(name, args...)
	p.child.Stderr = &p.said
	p.stdin, err = p.child.StdinPipe()
	return err
}

func (p *benchProcess) close() error {
	_ = p.stdin.Close()
	return errors.Join(p.child.Process.Kill(), ignoreExit(p.child.Wait()))
}

// ignoreExit drops the news that a program was killed.
func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// besideUs finds a program that something is measured beside, in the path or where this program is.
func besideUs(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		if self, e := os.Executable(); e == nil {
			path, err = exec.LookPath(filepath.Join(filepath.Dir(self), name))
		}
	}
	return path, err
}
