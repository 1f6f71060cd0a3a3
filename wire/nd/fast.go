package nd

import (
	"net/netip"
	"strconv"

	"roam6/wire"
)

// TypeFast is the ICMPv6 type of the fast handover messages, RFC 5568 §11; a subtype tells them apart.
const TypeFast uint8 = 154

// Subtypes of TypeFast, RFC 5568 §11. 4 and 5 were Handover Initiate and Acknowledge, which are Mobility Header
// messages now (package mh) and must not be sent as ICMPv6.
const (
	SubtypeRtSolPr uint8 = 2
	SubtypePrRtAdv uint8 = 3
)

// Option types of RFC 5568 §6.4.
const (
	OptAddress uint8 = 17 // §6.4.1, IP Address/Prefix
	OptLLA     uint8 = 19 // §6.4.3, Link-Layer Address
	OptNAAck   uint8 = 20 // §6.4.6, Neighbor Advertisement Acknowledgment
)

// Option-Codes of OptLLA, RFC 5568 §6.4.3. The other ones, APFound to APNotSupported, say what is known of an access point.
const (
	llaWildcard uint8 = 0
	llaRouter   uint8 = 3 // the new access router
	llaSource   uint8 = 4 // the sender
)

// Option-Codes of OptAddress, RFC 5568 §6.4.1; 1 is the old care-of address, which no message here has.
const (
	addressCareOf uint8 = 2 // the new care-of address
	addressRouter uint8 = 3 // the new access router's address
	addressPrefix uint8 = 4 // its prefix
)

const (
	fastHeaderLen = 8 // up to and with the Identifier
	// An LLA option has no length of its address: with the 6 octets of the link layers this project knows it takes two
	// units, the rest being padding (RFC 5568 §6.4.3).
	llaLen     = 16
	addressLen = 24
)

// NAAckStatus says what a new access router thinks of a mobile node's unsolicited neighbour advertisement, RFC 5568 §6.4.6.
type NAAckStatus uint8

// Values of NAAckStatus.
const (
	NAAckInvalid     NAAckStatus = 1   // configure an address
	NAAckUseSupplied NAAckStatus = 2   // use the one supplied
	NAAckUseRouter   NAAckStatus = 3   // use the new router's address as the new care-of address in the FBU
	NAAckUsePCoA     NAAckStatus = 4   // keep the previous one, send no FBU
	NAAckUnknownLLA  NAAckStatus = 128 // the link-layer address is not recognised: use neither address
)

// String gives the document's words.
func (s NAAckStatus) String() string {
	switch s {
	case NAAckInvalid:
		return "NCoA is invalid, perform address configuration"
	case NAAckUseSupplied:
		return "NCoA is invalid, use the supplied NCoA"
	case NAAckUseRouter:
		return "NCoA is invalid, use NAR's IP address as NCoA in FBU"
	case NAAckUsePCoA:
		return "PCoA supplied, do not send FBU"
	case NAAckUnknownLLA:
		return "Link-Layer Address unrecognized"
	}
	return "Status " + strconv.Itoa(int(s))
}

// NAAck is the Neighbor Advertisement Acknowledgment option, RFC 5568 §6.4.6, which a new access router puts into a router
// advertisement.
type NAAck struct {
	Status NAAckStatus
	CareOf netip.Addr // there with NAAckUseSupplied; unset when absent
}

// takeNAAck reads Type, Length 1 or 3, Option-Code 0, Status, Reserved (4), and with Length 3 a care-of address.
func (o *Options) takeNAAck(opt []byte, at int) (bool, error) {
	if opt[2] != 0 || o.NAAck != nil {
		return false, nil
	}
	a := NAAck{Status: NAAckStatus(opt[3])}
	switch len(opt) {
	case optionUnit:
		if a.Status == NAAckUseSupplied { // "MUST be present"
			return false, fail("Length", at+1, wire.ErrLength)
		}
	case optionUnit + 16:
		a.CareOf = addrAt(opt, optionUnit)
	default:
		return false, fail("Length", at+1, wire.ErrLength)
	}
	o.NAAck = &a
	return true, nil
}

func (a *NAAck) append(b []byte) []byte {
	if !a.CareOf.IsValid() {
		return append(b, OptNAAck, 1, 0, uint8(a.Status), 0, 0, 0, 0)
	}
	return appendAddr(append(b, OptNAAck, 3, 0, uint8(a.Status), 0, 0, 0, 0), a.CareOf)
}

// parseFast tells the fast handover messages apart.
func parseFast(src netip.Addr, b []byte) (Message, error) {
	if len(b) < fastHeaderLen {
		return nil, fail("Identifier", len(b), wire.ErrTruncated)
	}
	switch b[4] {
	case SubtypeRtSolPr:
		return message(parseRtSolPr(src, b))
	case SubtypePrRtAdv:
		return message(parsePrRtAdv(src, b))
	}
	return nil, fail("Subtype", 4, wire.ErrUnknown)
}

// hwOf reads an LLA option.
func hwOf(opt []byte, at int) ([6]byte, error) {
	if len(opt) != llaLen {
		return [6]byte{}, fail("Length", at+1, wire.ErrLength)
	}
	return [6]byte(opt[3:9]), nil
}

func appendLLA(b []byte, code uint8, hw [6]byte) []byte {
	b = append(append(b, OptLLA, llaLen/optionUnit, code), hw[:]...)
	return append(b, 0, 0, 0, 0, 0, 0, 0)
}

func appendAddress(b []byte, code uint8, bits int, a netip.Addr) []byte {
	b = append(b, OptAddress, addressLen/optionUnit, code, uint8(max(0, bits)), 0, 0, 0, 0)
	return appendAddr(b, a)
}
