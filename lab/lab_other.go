//go:build !linux

package lab

import (
	"context"
	"errors"
	"os"

	"roam6/driver"
	"roam6/scenario"
)

// errOther is what everything answers on systems other than Linux.
var errOther = errors.New("the lab cannot run here: it needs the network namespaces of Linux; `roam6 sim run` runs the same scenarios without any of this")

// Supported says that a lab needs Linux.
func Supported() error { return errOther }

// Enter fails.
func Enter(context.Context, EnterOptions) (inside bool, exit int, err error) {
	return false, 0, errOther
}

// Ready does nothing.
func Ready(error) {}

// Run fails.
func Run(context.Context, Config) (Stats, error) { return Stats{}, errOther }

// Calibrate fails.
func Calibrate(context.Context, string) (Calibration, error) { return Calibration{}, errOther }

// Lab cannot be made here.
type Lab struct{}

// New fails.
func New(Config) (*Lab, error) { return nil, errOther }

// Start fails.
func (*Lab) Start(context.Context) error { return errOther }

// Do fails.
func (*Lab) Do(scenario.Action) error { return errOther }

// Exec fails.
func (*Lab) Exec(context.Context, string, []string, [3]*os.File, []string) (int, error) {
	return 0, errOther
}

// Move fails.
func (*Lab) Move(context.Context, Move, func(Told)) (Moved, error) { return Moved{}, errOther }

// Follow fails.
func (*Lab) Follow(context.Context, string, func(Told) error) error { return errOther }

// Stats is empty.
func (*Lab) Stats() Stats { return Stats{} }

// Status is empty.
func (*Lab) Status() Status { return Status{} }

// Close does nothing.
func (*Lab) Close() error { return nil }

// Serve fails.
func Serve(context.Context, *Lab, string) error { return errOther }

// Client cannot be made here.
type Client struct{}

// Dial fails.
func Dial(string) (*Client, error) { return nil, errOther }

// Status fails.
func (*Client) Status() (Status, error) { return Status{}, errOther }

// Alive is false.
func (*Client) Alive() bool { return false }

// Do fails.
func (*Client) Do(scenario.Action) error { return errOther }

// Move fails.
func (*Client) Move(context.Context, Move, func(Told)) (Moved, error) { return Moved{}, errOther }

// Follow fails.
func (*Client) Follow(context.Context, string, func(Told)) error { return errOther }

// Node fails.
func (*Client) Node(string) (*driver.Client, error) { return nil, errOther }

// Down fails.
func (*Client) Down() (Downed, error) { return Downed{}, errOther }

// Exec fails.
func (*Client) Exec(context.Context, string, []string, [3]*os.File, []string) (int, error) {
	return 0, errOther
}
