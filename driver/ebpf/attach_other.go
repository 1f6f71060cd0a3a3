//go:build !linux

package ebpf

import (
	"errors"
	"net/netip"

	"roam6/plane"
)

// kernel is none here.
type kernel struct{}

// Open says that there is no fast path here.
func Open(Config) (*Fast, error) { return nil, errors.New("the fast path needs Linux") }

// Probe says that there is no fast path here.
func Probe() error { return errors.New("the fast path needs Linux") }

func (*kernel) setPath(netip.Prefix, *fastPath) error   { return nil }
func (*kernel) deletePath(netip.Prefix) error           { return nil }
func (*kernel) setEnd(uint32, further) error            { return nil }
func (*kernel) deleteEnd(uint32, further) error         { return nil }
func (*kernel) took(uint32, further) (c plane.Count)    { return c }
func (*kernel) setPair(plane.Pair, plane.Side) error    { return nil }
func (*kernel) deletePair(plane.Pair, plane.Side) error { return nil }
func (*kernel) attachLink(Link) error                   { return nil }
func (*kernel) detach(int)                              {}
func (*kernel) setLocal(netip.Addr, bool) error         { return nil }
func (*kernel) setSetting(*fastSetting) error           { return nil }
func (*kernel) left() []uint64                          { return nil }
func (*kernel) close() error                            { return nil }
