package ha

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/wire/mh"
)

// The durable record of a binding: octets, since one is written with every update. Its key is the home address.
//
//	version 1 | flags 1 | sequence number 2 | lifetime 2 | care-of address 16 | expires 8
//	networks 1 | of each: address 16, prefix length 1
//	care-of addresses 1 | of each: BID 2, lifetime 2, address 16, expires 8
//
// Lifetimes are what was granted, in units of mh.Unit; expires is in nanoseconds since 1970 and survives a restart.
const (
	recordVersion = 1
	recordRouter  = 1 // flag: of a mobile router
	recordFixed   = 30
	recordNetwork = 17
	recordCareOf  = 28
)

// record writes the binding down.
func (b *binding) record(now engine.Now) []byte {
	v := make([]byte, 0, recordFixed+2+recordNetwork*len(b.Networks)+recordCareOf*len(b.Several))
	flags := byte(0)
	if b.Router {
		flags = recordRouter
	}
	v = append(v, recordVersion, flags)
	v = binary.BigEndian.AppendUint16(v, b.Seq)
	v = binary.BigEndian.AppendUint16(v, b.granted)
	v = append(v, b.coa[:]...)
	v = binary.BigEndian.AppendUint64(v, uint64(wall(now, b.expires)))
	v = append(v, byte(len(b.Networks)))
	for _, n := range b.Networks {
		a := n.Addr().As16()
		v = append(append(v, a[:]...), byte(n.Bits()))
	}
	v = append(v, byte(len(b.Several)))
	for _, c := range b.Several {
		v = binary.BigEndian.AppendUint16(v, c.BID)
		v = binary.BigEndian.AppendUint16(v, units(c.Granted))
		a := c.CoA.As16()
		v = append(v, a[:]...)
		v = binary.BigEndian.AppendUint64(v, uint64(wall(now, c.expires)))
	}
	return v
}

// wall is a point of the monotonic clock on the other one.
func wall(now engine.Now, at engine.Mono) int64 { return now.Wall.Add(at.Sub(now.Mono)).UnixNano() }

// units are those of lifetimes on the wire, which grants fit.
func units(d time.Duration) uint16 { return uint16(d / mh.Unit) }

var errRecord = errors.New("ha: a record of a binding that this version does not know, or that is cut short")

// readRecord reads what record wrote, with the times that are left now: a clock that was stepped back prolongs nothing.
// Times that are over are in the past.
func readRecord(now engine.Now, m *mobile, v []byte) (*binding, error) {
	if len(v) < recordFixed+2 || v[0] != recordVersion || v[1]&^recordRouter != 0 {
		return nil, errRecord
	}
	left := func(wall []byte, granted uint16) engine.Mono {
		d := time.Duration(int64(binary.BigEndian.Uint64(wall)) - now.Wall.UnixNano())
		return now.Mono.Add(min(d, time.Duration(granted)*mh.Unit))
	}
	b := &binding{m: m, Seq: binary.BigEndian.Uint16(v[2:]), granted: binary.BigEndian.Uint16(v[4:]), coa: [16]byte(v[6:]), rest: plain}
	b.expires = left(v[22:], b.granted)
	router, networks := v[1] == recordRouter, int(v[recordFixed])
	v = v[recordFixed+1:]
	if len(v) < networks*recordNetwork+1 {
		return nil, errRecord
	}
	if several := int(v[networks*recordNetwork]); len(v) != networks*recordNetwork+1+several*recordCareOf || several > MaxCareOf {
		return nil, errRecord
	}
	if router || len(v) > 1 {
		b.own().Router = router
	}
	for ; networks > 0; networks-- {
		n := netip.PrefixFrom(netip.AddrFrom16([16]byte(v)), int(v[16]))
		if n != n.Masked() || !n.IsValid() {
			return nil, errRecord
		}
		b.Networks = append(b.Networks, n)
		v = v[recordNetwork:]
	}
	for v = v[1:]; len(v) > 0; v = v[recordCareOf:] {
		c := careOf{BID: binary.BigEndian.Uint16(v), Granted: time.Duration(binary.BigEndian.Uint16(v[2:])) * mh.Unit, CoA: netip.AddrFrom16([16]byte(v[4:]))}
		c.expires = left(v[20:], units(c.Granted))
		b.Several = append(b.Several, c)
	}
	return b, nil
}
