package diameter

import (
	"net/netip"
	"time"
)

// Uint32 reads an Unsigned32 or Enumerated.
func (a AVP) Uint32() (uint32, error) { return 0, nil }

// Uint64 reads an Unsigned64.
func (a AVP) Uint64() (uint64, error) { return 0, nil }

// Text reads a UTF8String.
func (a AVP) Text() (string, error) { return "", nil }

// Identity reads a DiameterIdentity.
func (a AVP) Identity() (string, error) { return "", nil }

// Addr reads an Address.
func (a AVP) Addr() (netip.Addr, error) { return netip.Addr{}, nil }

// Time reads a Time.
func (a AVP) Time() (time.Time, error) { return time.Time{}, nil }

// Group reads a Grouped.
func (a AVP) Group() (List, error) { return nil, nil }
