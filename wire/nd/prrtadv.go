package nd

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"roam6/wire"
)

// Codes of PrRtAdv, RFC 5568 §6.1.2.
const (
	ProxyInfo        uint8 = 0 // what was asked for
	ProxyHandover    uint8 = 1 // unsolicited: hand over now
	ProxyNone        uint8 = 2 // no new router information; each access point has an outcome
	ProxySome        uint8 = 3 // of some access points only
	ProxyUnsolicited uint8 = 4 // unsolicited, no reason to hand over
	ProxyDHCP        uint8 = 5 // as ProxyInfo, but the new address comes by DHCP and packets are forwarded to the old one
)

// Outcomes of an access point: Option-Codes of OptLLA, RFC 5568 §6.4.3.
const (
	APFound        uint8 = 1 // the router information follows
	APSameRouter   uint8 = 5 // behind the current interface of the router: no new care-of address
	APNoPrefix     uint8 = 6 // nothing is known: send an FBU after arrival
	APNotSupported uint8 = 7 // no fast handover there
)

// ProxyWords says what the Code of a PrRtAdv means.
func ProxyWords(code uint8) string {
	words := [...]string{"router information", "network-initiated handover", "no new router information",
		"router information of some access points", "unsolicited router information", "router information, address by DHCP"}
	if int(code) < len(words) {
		return words[code]
	}
	return "Code " + strconv.Itoa(int(code))
}

// PrRtAdv is the Proxy Router Advertisement: an access router tells of its neighbours, asked by a RtSolPr or to start a
// handover, RFC 5568 §6.1.2.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|      Type     |      Code     |           Checksum            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|    Subtype    |    Reserved   |           Identifier          |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|    Options ...
//	+-+-+-+-+-+-+-+-+-+-+-+-
type PrRtAdv struct {
	Code         uint8         // ProxyInfo to ProxyDHCP
	ID           uint16        // that of the RtSolPr; 0 when unsolicited
	SourceHW     [6]byte       // the sender's link-layer address; zero when absent
	AccessPoints []AccessPoint // one at least; with ProxyInfo and ProxyHandover each has Router, RouterHW and a Network
	Unknown      []RawOption   // everything else, in order
}

// AccessPoint is an [AP-ID, AR-Info] tuple: an access point and the router behind it. Zero fields are absent.
type AccessPoint struct {
	HW       [6]byte      // of the access point, as the mobile node named it
	Outcome  uint8        // APFound, APSameRouter, APNoPrefix or APNotSupported
	RouterHW [6]byte      // of the new access router
	Router   netip.Prefix // the address of the new access router with the length of its prefix, 0 if that is not told
	Prefix   netip.Prefix // the prefix for new care-of addresses if it is not that of Router; masked
	CareOf   netip.Addr   // a new care-of address that the previous access router proposes
}

// Network is the prefix behind the access point: Prefix, or that of Router. It is not valid when neither was told.
func (a *AccessPoint) Network() netip.Prefix {
	if a.Prefix.IsValid() || a.Router.Bits() <= 0 {
		return a.Prefix
	}
	return a.Router.Masked()
}

func (*PrRtAdv) icmpType() uint8 { return TypeFast }

// parsePrRtAdv applies RFC 5568 §6.1.2.
func parsePrRtAdv(src netip.Addr, b []byte) (*PrRtAdv, error) {
	if !src.IsLinkLocalUnicast() {
		return nil, fail("Source Address", 0, wire.ErrValue)
	}
	if b[1] > ProxyDHCP {
		return nil, fail("Code", 1, wire.ErrValue)
	}
	m := &PrRtAdv{Code: b[1], ID: binary.BigEndian.Uint16(b[6:])}
	if err := eachOption(b[fastHeaderLen:], fastHeaderLen, func(opt []byte, at int) error { return m.take(opt, at) }); err != nil {
		return nil, err
	}
	if len(m.AccessPoints) == 0 {
		return nil, fail("New Access Point Link-Layer Address", len(b), wire.ErrTruncated)
	}
	if m.Code == ProxyInfo || m.Code == ProxyHandover {
		for i := range m.AccessPoints {
			switch a := &m.AccessPoints[i]; {
			case a.RouterHW == [6]byte{}:
				return nil, fail("New Router's Link-Layer Address", len(b), wire.ErrTruncated)
			case !a.Router.IsValid():
				return nil, fail("New Router's IP Address", len(b), wire.ErrTruncated)
			case !a.Network().IsValid():
				return nil, fail("New Router Prefix Information", len(b), wire.ErrTruncated)
			}
		}
	}
	return m, nil
}

// take reads one option. The order tells which access point an option belongs to, so one that has none before it, or
// comes twice, is refused rather than put elsewhere.
func (m *PrRtAdv) take(opt []byte, at int) error {
	switch {
	case opt[0] == OptLLA && opt[2] == llaSource:
		hw, err := hwOf(opt, at)
		if err != nil {
			return err
		}
		if m.SourceHW == [6]byte{} && hw != [6]byte{} {
			m.SourceHW = hw
			return nil
		}
	case opt[0] == OptLLA && (opt[2] == APFound || opt[2] >= APSameRouter && opt[2] <= APNotSupported):
		return m.takeAccessPoint(opt, at)
	case opt[0] == OptLLA && opt[2] == llaRouter:
		hw, err := hwOf(opt, at)
		if err != nil {
			return err
		}
		a := m.last()
		if a == nil || a.RouterHW != [6]byte{} || hw == [6]byte{} {
			return fail("New Router's Link-Layer Address", at, wire.ErrValue)
		}
		a.RouterHW = hw
		return nil
	case opt[0] == OptAddress && opt[2] >= addressCareOf && opt[2] <= addressPrefix:
		return m.takeAddress(opt, at)
	}
	m.Unknown = append(m.Unknown, RawOption{Type: opt[0], Data: bytes.Clone(opt[2:])})
	return nil
}

func (m *PrRtAdv) last() *AccessPoint {
	if len(m.AccessPoints) == 0 {
		return nil
	}
	return &m.AccessPoints[len(m.AccessPoints)-1]
}

func (m *PrRtAdv) takeAccessPoint(opt []byte, at int) error {
	hw, err := hwOf(opt, at)
	if err != nil {
		return err
	}
	if len(m.AccessPoints) == MaxAccessPoints {
		return fail("New Access Point Link-Layer Address", at, wire.ErrLimit)
	}
	m.AccessPoints = append(m.AccessPoints, AccessPoint{HW: hw, Outcome: opt[2]})
	return nil
}

// takeAddress reads Type, Length 3, Option-Code, Prefix Length, Reserved (4), IPv6 Address; RFC 5568 §6.4.1.
func (m *PrRtAdv) takeAddress(opt []byte, at int) error {
	if len(opt) != addressLen {
		return fail("Length", at+1, wire.ErrLength)
	}
	if opt[3] > 128 {
		return fail("Prefix Length", at+3, wire.ErrValue)
	}
	a, x := m.last(), addrAt(opt, 8)
	p := netip.PrefixFrom(x, int(opt[3]))
	switch usable := !x.IsUnspecified() && !x.IsMulticast() && !x.IsLoopback(); {
	case a == nil:
	case opt[2] == addressRouter && usable && !a.Router.IsValid():
		a.Router = p
		return nil
	case opt[2] == addressPrefix && !a.Prefix.IsValid():
		a.Prefix = p.Masked()
		return nil
	case opt[2] == addressCareOf && usable && !a.CareOf.IsValid():
		a.CareOf = x
		return nil
	}
	return fail("IPv6 Address", at, wire.ErrValue)
}

func (m *PrRtAdv) append(b []byte, _ netip.Addr) []byte {
	b = binary.BigEndian.AppendUint16(append(b, SubtypePrRtAdv, 0), m.ID)
	if m.SourceHW != [6]byte{} {
		b = appendLLA(b, llaSource, m.SourceHW)
	}
	for i := range m.AccessPoints {
		b = m.AccessPoints[i].append(b)
	}
	for _, r := range m.Unknown {
		b = r.append(b)
	}
	return b
}

// append writes the tuple in the order of RFC 5568 §6.1.2.
func (a *AccessPoint) append(b []byte) []byte {
	b = appendLLA(b, a.Outcome, a.HW)
	if a.RouterHW != [6]byte{} {
		b = appendLLA(b, llaRouter, a.RouterHW)
	}
	if a.Router.IsValid() {
		b = appendAddress(b, addressRouter, a.Router.Bits(), a.Router.Addr())
	}
	if a.Prefix.IsValid() {
		b = appendAddress(b, addressPrefix, a.Prefix.Bits(), a.Prefix.Masked().Addr())
	}
	if a.CareOf.IsValid() {
		b = appendAddress(b, addressCareOf, a.CareOf.BitLen(), a.CareOf)
	}
	return b
}
