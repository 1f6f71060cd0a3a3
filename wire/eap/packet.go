package eap

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"roam6/wire"
)

const proto = "eap"

// Limits in octets.
const (
	HeaderLen = 4    // Code, Identifier, Length
	MaxLen    = 4096 // of one packet; what must be longer is fragmented by its method (RFC 3748 §3.1 guarantees 1020 only)
	typeLen   = 1
	wideLen   = 8 // an Expanded Type: 254, Vendor-Id, Vendor-Type
)

// MaxMethods is how many methods a Nak may ask for.
const MaxMethods = 64

// Code says what a packet is, RFC 3748 §4.
type Code uint8

// The codes.
const (
	Request  Code = 1
	Response Code = 2
	Success  Code = 3
	Failure  Code = 4
)

// String names the code as the RFC does.
func (c Code) String() string {
	switch c {
	case Request:
		return "Request"
	case Response:
		return "Response"
	case Success:
		return "Success"
	case Failure:
		return "Failure"
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// Method is a Type of RFC 3748 §5: of the IETF if Vendor is 0.
type Method struct {
	Vendor uint32 // 24 bits
	Type   uint32 // below 256 if Vendor is 0, as far as anything is assigned
}

// The types this program knows. None, in a Nak, says that no method is wanted.
var (
	None         = Method{}
	Identity     = Method{Type: 1}
	Notification = Method{Type: 2}
	Nak          = Method{Type: 3}
	MD5          = Method{Type: 4}  // known by name only
	TLS          = Method{Type: 13} // known by name only
	GPSK         = Method{Type: 51}
)

// expandedType announces an Expanded Type, RFC 3748 §5.7.
const expandedType = 254

// maxVendor is the greatest that three octets hold.
const maxVendor = 1<<24 - 1

// String is the name, or the numbers.
func (m Method) String() string {
	switch m {
	case Identity:
		return "Identity"
	case Notification:
		return "Notification"
	case Nak:
		return "Nak"
	case MD5:
		return "MD5-Challenge"
	case TLS:
		return "EAP-TLS"
	case GPSK:
		return "EAP-GPSK"
	}
	if m.Vendor == 0 {
		return fmt.Sprintf("type %d", m.Type)
	}
	return fmt.Sprintf("type %d of vendor %d", m.Type, m.Vendor)
}

// legacy says whether a method has a Type of one octet: the Expanded Type itself is none.
func (m Method) legacy() bool { return m.Vendor == 0 && m.Type < 256 && m.Type != expandedType }

// Packet is one EAP packet.
type Packet struct {
	Code     Code
	ID       uint8
	Method   Method // of a request or response
	Expanded bool   // Method comes as an Expanded Type
	Data     []byte // behind the type
}

// Parse reads one packet; it shares nothing with b. What lies behind its Length is padding of a lower layer and ignored (RFC 3748 §4.1).
func Parse(b []byte) (Packet, error) {
	if len(b) < HeaderLen {
		return Packet{}, fail("Length", len(b), wire.ErrTruncated)
	}
	p := Packet{Code: Code(b[0]), ID: b[1]}
	n := int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case p.Code < Request || p.Code > Failure:
		return Packet{}, fail("Code", 0, wire.ErrUnknown)
	case n < HeaderLen:
		return Packet{}, fail("Length", 2, wire.ErrLength)
	case n > len(b):
		return Packet{}, fail("Length", 2, wire.ErrTruncated)
	case n > MaxLen:
		return Packet{}, fail("Length", 2, wire.ErrLimit)
	}
	if p.Code == Success || p.Code == Failure {
		if n != HeaderLen { // RFC 3748 §4.2: they carry no data
			return Packet{}, fail("Length", 2, wire.ErrLength)
		}
		return p, nil
	}
	if err := p.typed(b[:n]); err != nil {
		return Packet{}, err
	}
	return p, nil
}

// typed reads what a request or response has behind the header.
func (p *Packet) typed(b []byte) error {
	if len(b) < HeaderLen+typeLen {
		return fail("Type", HeaderLen, wire.ErrTruncated)
	}
	rest := b[HeaderLen:]
	if rest[0] != expandedType {
		if p.Method = (Method{Type: uint32(rest[0])}); p.Method == None {
			return fail("Type", HeaderLen, wire.ErrValue)
		}
		p.Data = kept(rest[typeLen:])
		return nil
	}
	m, err := expanded(rest, HeaderLen)
	if err != nil {
		return err
	}
	if m == None {
		return fail("Vendor-Type", HeaderLen+4, wire.ErrValue)
	}
	p.Method, p.Expanded, p.Data = m, true, kept(rest[wideLen:])
	return nil
}

// expanded reads an Expanded Type; at is where it stands.
func expanded(b []byte, at int) (Method, error) {
	if len(b) < wideLen {
		return Method{}, fail("Vendor-Type", at+len(b), wire.ErrTruncated)
	}
	if b[0] != expandedType {
		return Method{}, fail("Type", at, wire.ErrValue)
	}
	return Method{Vendor: binary.BigEndian.Uint32(b) & maxVendor, Type: binary.BigEndian.Uint32(b[4:])}, nil
}

// appendExpanded writes an Expanded Type. A vendor beyond 24 bits is the caller's mistake.
func (m Method) appendExpanded(b []byte) []byte {
	if m.Vendor > maxVendor {
		panic(fmt.Sprintf("eap: vendor %d has more than 24 bits", m.Vendor))
	}
	b = binary.BigEndian.AppendUint32(b, expandedType<<24|m.Vendor)
	return binary.BigEndian.AppendUint32(b, m.Type)
}

// Append writes the packet. One that Parse would refuse for its length is the caller's mistake.
func (p Packet) Append(b []byte) []byte {
	start := len(b)
	b = append(b, byte(p.Code), p.ID, 0, 0)
	if p.Code == Request || p.Code == Response {
		if p.Expanded || !p.Method.legacy() {
			b = p.Method.appendExpanded(b)
		} else {
			b = append(b, byte(p.Method.Type))
		}
		b = append(b, p.Data...)
	}
	if len(b)-start > MaxLen {
		panic(fmt.Sprintf("eap: a packet of %d octets", len(b)-start))
	}
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start))
	return b
}

// Reply is the response to a request, with its identifier and the form of its type.
func (p Packet) Reply(m Method, data []byte) Packet {
	return Packet{Code: Response, ID: p.ID, Method: m, Expanded: p.Expanded, Data: data}
}

// Refuse is the Nak to a request, RFC 3748 §5.3: of the same form. Without a method it says that there is no alternative.
func (p Packet) Refuse(want ...Method) Packet {
	if len(want) == 0 {
		want = []Method{None}
	}
	var data []byte
	for _, m := range want {
		switch {
		case p.Expanded:
			data = m.appendExpanded(data)
		case m.legacy():
			data = append(data, byte(m.Type))
		default: // §5.3.1: the legacy Nak asks for Expanded Types by their announcement
			data = append(data, expandedType)
		}
	}
	return p.Reply(Nak, data)
}

// ParseNak gives the methods that a Nak asks for; None among them says that there is no alternative. A legacy Nak that asks for Expanded
// Types has one Method with Type 254.
func ParseNak(p Packet) ([]Method, error) {
	at, size := HeaderLen+typeLen, 1
	if p.Expanded {
		at, size = HeaderLen+wideLen, wideLen
	}
	switch n := len(p.Data); {
	case p.Code != Response || p.Method != Nak:
		return nil, fail("Type", HeaderLen, wire.ErrValue)
	case n == 0:
		return nil, fail("Type-Data", at, wire.ErrTruncated)
	case n/size > MaxMethods:
		return nil, fail("Type-Data", at+MaxMethods*size, wire.ErrLimit)
	}
	list := make([]Method, 0, len(p.Data)/size+1)
	for b := p.Data; len(b) > 0; b = b[size:] {
		m := Method{Type: uint32(b[0])}
		if p.Expanded {
			var err error
			if m, err = expanded(b, at+len(p.Data)-len(b)); err != nil {
				return nil, err
			}
		}
		list = append(list, m)
	}
	return list, nil
}

// kept copies octets; none are nil.
func kept(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return bytes.Clone(b)
}

func fail(field string, at int, cause error) error { return wire.Fail(proto, field, at, cause) }
