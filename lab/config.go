package lab

import (
	"context"
	"crypto/tls"
	"os"
	"time"

	"roam6/driver"
	"roam6/scenario"
)

// CaptureLimit is where a capture file ends, octets: a lab that is up for days must not fill the disk. Later frames count as
// dropped from captures.
const CaptureLimit = 1 << 30

// CaptureError says that captures could not be written: a full disk, most often. The lab itself went on to its end.
type CaptureError struct {
	Files []string // all of them; where the first went wrong nothing was written to any after it
	Err   error    // what went wrong first
}

func (e *CaptureError) Error() string { return "captures: " + e.Err.Error() }

func (e *CaptureError) Unwrap() error { return e.Err }

// Config says what to run and who is told.
type Config struct {
	Plan       *scenario.Plan
	Build      scenario.Build                      // turns a node's configuration into engines; nil runs kernel nodes only
	Recorder   scenario.Recorder                   // its calls come from one goroutine, ordered by time; nil for none
	CaptureDir string                              // where one pcapng a segment is written, up to CaptureLimit; "" for none
	Progress   func(at time.Duration, what string) // told of each action; called from one goroutine; nil for none
	// Plane says who forwards the nodes' user packets; the zero value is driver.PlaneSoft.
	Plane driver.Plane
	// Store opens where a node keeps what it persists, through crashes and restarts; nil keeps it in memory as long as the lab
	// lives. A store that is an io.Closer is closed with the lab.
	Store func(node string) (driver.Store, error)
	// Services gives a node what its engines use beside packets; nil: nothing. It is called once a node, and lasts through crashes.
	Services func(n *scenario.Node) (Services, error)
}

// Services are what a node's engines use beside packets: as driver.Config has them.
type Services struct {
	TLS   map[string]*tls.Config
	Query func(ctx context.Context, table, key string, put []byte) ([]byte, error)
	Close func() error // with the lab; nil: nothing to close
}

// EnterOptions says how the program is run again inside.
type EnterOptions struct {
	// Detach lets the inside outlive the caller (`lab up`): Enter returns in the parent when the inside calls
	// Ready, or ends.
	Detach bool
	// Log takes the standard output and error of a detached inside; nil throws them away.
	Log *os.File
}
