//go:build !linux

package driver

import "errors"

// openHost: only Linux has the doors a node needs.
func openHost(Config) (Host, error) {
	return nil, errors.New("a node runs on Linux only; the simulator (roam6 sim run) runs everywhere")
}
