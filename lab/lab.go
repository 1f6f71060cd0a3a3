package lab

import (
	"context"
	"errors"
	"os"
	"time"

	"roam6/scenario"
)

// Config says what to run and who is told.
type Config struct {
	Plan       *scenario.Plan
	Build      scenario.Build                      // turns a node's configuration into engines; nil runs kernel nodes only
	Recorder   scenario.Recorder                   // its calls come from one goroutine, ordered by time; nil for none
	CaptureDir string                              // where one pcapng a segment is written; "" for none
	Progress   func(at time.Duration, what string) // told of each action; called from one goroutine; nil for none
	StateDir   string                              // where nodes keep what they persist; "" keeps it in memory
}

// Lab is a running world. Its methods may be called from any goroutine.
type Lab struct {
	c Config
}

// New checks the plan and makes a lab that Start brings up.
func New(c Config) (*Lab, error) { return &Lab{c: c}, nil }

// Start brings every node and link up and starts the engines; when it returns the run's clock stands at zero.
func (l *Lab) Start(ctx context.Context) error { return errors.New("lab: not written yet") }

// Do carries out one action of the plan's kinds, now. Its At is not looked at.
func (l *Lab) Do(a scenario.Action) error { return errors.New("lab: not written yet") }

// Exec runs a program inside a node with the given standard input, output and error and returns its exit status
// (128 + signal number when a signal ended it). Its end comes with ctx or with the lab.
func (l *Lab) Exec(ctx context.Context, node string, argv []string, files [3]*os.File, env []string) (int, error) {
	return 0, errors.New("lab: not written yet")
}

// Stats tells how well the emulator kept its times so far.
func (l *Lab) Stats() Stats { return Stats{} }

// Status is what Client.Status prints.
func (l *Lab) Status() Status { return Status{} }

// Close takes everything down. It may be called twice.
func (l *Lab) Close() error { return nil }

// Run carries out a whole plan: up, actions at their times, flows, down. When ctx ends early it returns ctx's error
// after taking everything down; what the recorder was told until then stands.
func Run(ctx context.Context, c Config) (Stats, error) {
	return Stats{}, errors.New("lab: not written yet")
}
