// Command go-diameter measures the Go library of that name (github.com/fiorix/go-diameter) for `roam6 bench aaa`. It is no part of the
// product, which does not need the library.
//
// It reads a line of JSON, the type order, and says which version it is; then for each line with the name of one of its cases it says how
// many nanoseconds and allocations a call takes.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/fiorix/go-diameter/v4/diam"
	"github.com/fiorix/go-diameter/v4/diam/datatype"
	"github.com/fiorix/go-diameter/v4/diam/dict"
)

// order is what is measured: two messages, what their AVPs are, and for how long.
type order struct {
	Dictionary string // XML, besides the base protocol's
	ARR, ARA   []byte
	Time       time.Duration
}

// said is what a line is answered with.
type said struct {
	NS     float64 `json:"ns"`
	Allocs float64 `json:"allocs"`
}

// arr is an AA-Registration-Request with what a first registration has in it, in the order of its AVPs.
type arr struct {
	SessionID        datatype.UTF8String       `avp:"Session-Id"`
	OriginHost       datatype.DiameterIdentity `avp:"Origin-Host"`
	OriginRealm      datatype.DiameterIdentity `avp:"Origin-Realm"`
	DestinationRealm datatype.DiameterIdentity `avp:"Destination-Realm"`
	Application      datatype.Unsigned32       `avp:"Auth-Application-Id"`
	SessionState     datatype.Enumerated       `avp:"Auth-Session-State"`
	UserName         datatype.UTF8String       `avp:"User-Name"`
	CareOf           datatype.Address          `avp:"Care-of-Address"`
	MNAuthentication struct {
		LocalChallenge datatype.OctetString `avp:"Local-Challenge"`
		HostChallenge  datatype.OctetString `avp:"Host-Challenge"`
		Visited        datatype.UTF8String  `avp:"Visited-Network-Identifier"`
		Data           datatype.OctetString `avp:"MN-Authentication-Data"`
	} `avp:"MN-Authentication"`
	Features   datatype.Unsigned32 `avp:"MIPv6-Feature-Vector"`
	KeyRequest struct {
		Type   datatype.Enumerated `avp:"Key-Type"`
		Method datatype.Enumerated `avp:"Key-Method"`
		MNSPI  datatype.Unsigned32 `avp:"MN-SPI"`
	} `avp:"Key-Request"`
}

// ara is an AA-Registration-Answer, likewise.
type ara struct {
	SessionID    datatype.UTF8String       `avp:"Session-Id"`
	ResultCode   datatype.Unsigned32       `avp:"Result-Code"`
	OriginHost   datatype.DiameterIdentity `avp:"Origin-Host"`
	OriginRealm  datatype.DiameterIdentity `avp:"Origin-Realm"`
	Application  datatype.Unsigned32       `avp:"Auth-Application-Id"`
	SessionState datatype.Enumerated       `avp:"Auth-Session-State"`
	UserName     datatype.UTF8String       `avp:"User-Name"`
	Timeout      datatype.Unsigned32       `avp:"Session-Timeout"`
	Auth         datatype.OctetString      `avp:"Network-Authentication-Data"`
	Home         datatype.Address          `avp:"MIPv6-Mobile-Node-Address"`
	Agent        datatype.Address          `avp:"MIPv6-Home-Agent-Address"`
	Key          struct {
		Type      datatype.Enumerated  `avp:"Key-Type"`
		Method    datatype.Enumerated  `avp:"Key-Method"`
		MNSPI     datatype.Unsigned32  `avp:"MN-SPI"`
		PeerSPI   datatype.Unsigned32  `avp:"Peer-SPI"`
		Lifetime  datatype.Unsigned32  `avp:"Key-Lifetime"`
		Algorithm datatype.Enumerated  `avp:"Key-Algorithm"`
		Random    datatype.OctetString `avp:"Key-Random-Number"`
	} `avp:"MN-Key-Distribution"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "go-diameter:", err)
		os.Exit(1)
	}
}

func run() error {
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	var o order
	if err := in.Decode(&o); err != nil {
		return fmt.Errorf("the order cannot be read: %w", err)
	}
	if err := dict.Default.Load(bytes.NewReader([]byte(o.Dictionary))); err != nil {
		return fmt.Errorf("dictionary: %w", err)
	}
	cases := map[string]func() error{}
	if err := errors.Join(enter[arr](cases, "ARR", o.ARR), enter[ara](cases, "ARA", o.ARA)); err != nil {
		return err
	}
	if err := out.Encode(version()); err != nil {
		return err
	}
	for {
		var name string
		if err := in.Decode(&name); err != nil {
			return nil // who asked is gone
		}
		f := cases[name]
		if f == nil {
			return fmt.Errorf("no case %q", name)
		}
		s, err := measure(f, o.Time)
		if err = errors.Join(err, out.Encode(s)); err != nil {
			return err
		}
	}
}

// enter makes the cases of a message: it is read into a value, and written from one. What is written must be what was read.
func enter[T any](cases map[string]func() error, name string, raw []byte) error {
	read := func(v *T) (*diam.Message, error) {
		m, err := diam.ReadMessage(bytes.NewReader(raw), dict.Default)
		if err != nil {
			return nil, err
		}
		return m, m.Unmarshal(v)
	}
	var value T
	m, err := read(&value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	h := *m.Header
	write := func() ([]byte, error) {
		m := diam.NewMessage(h.CommandCode, h.CommandFlags, h.ApplicationID, h.HopByHopID, h.EndToEndID, dict.Default)
		if err := m.Marshal(&value); err != nil {
			return nil, err
		}
		return m.Serialize()
	}
	switch b, err := write(); {
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case !sameButIDs(raw, b):
		return fmt.Errorf("%s is written in %d octets that differ from the %d given:\n% x\n% x", name, len(b), len(raw), b, raw)
	}
	cases["read "+name] = func() error { _, err := read(new(T)); return err }
	cases["write "+name] = func() error { _, err := write(); return err }
	return nil
}

// sameButIDs compares two messages but for their identifiers, for which the library draws others where they are zero.
func sameButIDs(a, b []byte) bool {
	return len(a) == len(b) && bytes.Equal(a[:12], b[:12]) && bytes.Equal(a[20:], b[20:])
}

// measure calls f for as long as is wanted.
func measure(f func() error, during time.Duration) (said, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, began := 0, time.Now()
	for time.Since(began) < during {
		for range 100 {
			if err := f(); err != nil {
				return said{}, err
			}
		}
		n += 100
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	return said{float64(took) / float64(n), float64((after.Mallocs - before.Mallocs) / uint64(n))}, nil
}

// version is the library's.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/fiorix/go-diameter/v4" {
				return "go-diameter " + d.Version
			}
		}
	}
	return "go-diameter"
}
