//go:build !linux

package ebpf

import (
	"errors"
	"net/netip"
)

// kernel is none here.
type kernel struct{}

// Open says that there is no fast path here.
func Open(Config) (*Fast, error) { return nil, errors.New("the fast path needs Linux") }

// Probe says that there is no fast path here.
func Probe() error { return errors.New("the fast path needs Linux") }

func (*kernel) setPath(netip.Addr, *fastPath) error { return nil }
func (*kernel) deletePath(netip.Addr) error         { return nil }
func (*kernel) setLocal(netip.Addr, bool) error     { return nil }
func (*kernel) setOff(bool) error                   { return nil }
func (*kernel) left() []uint64                      { return nil }
func (*kernel) close() error                        { return nil }
