package mh

import (
	"bytes"
	"encoding/binary"
	"time"

	"roam6/wire"
)

// parse reads the options of message b from offset at on. Alignment is not asked for. An option that may stand once
// and stands twice is refused, since the two would contradict each other behind one authenticator.
func (o *Options) parse(b []byte, at int) error {
	for at < len(b) {
		kind, data, next, err := option(b, at)
		if err != nil {
			return err
		}
		switch {
		case kind > optPadN:
			if err := o.take(kind, data, at); err != nil {
				return err
			}
		case o.BindingAuth != nil: // "MUST NOT have trailing padding", RFC 6275 §6.2
			return wire.Fail("mh", "padding after the authenticator", at, wire.ErrValue)
		}
		at = next
	}
	return nil
}

// option cuts the option at offset at out of b.
func option(b []byte, at int) (kind uint8, data []byte, next int, err error) {
	if b[at] == optPad1 {
		return optPad1, nil, at + 1, nil
	}
	if at+2 > len(b) {
		return 0, nil, 0, wire.Fail("mh", "Option Length", at+1, wire.ErrTruncated)
	}
	next = at + 2 + int(b[at+1])
	if next > len(b) {
		return 0, nil, 0, wire.Fail("mh", "Option Length", at+1, wire.ErrTruncated)
	}
	return b[at], b[at+2 : next], next, nil
}

// take stores one option that is not padding; at is its offset.
func (o *Options) take(kind uint8, data []byte, at int) error {
	// RFC 6275 §6.2: Binding Authorization Data is the last option. RFC 4285 §5.1, §5.2: so is an authentication
	// option, but for an MN-AAA one behind an MN-HA one.
	// RFC 5568 §6.4.5: so is BADF.
	if o.BindingAuth != nil || o.AuthAAA != nil || o.FastAuth != nil || o.Auth != nil && kind != optAuth && kind != optBindingAuth {
		return wire.Fail("mh", "option after the authenticator", at, wire.ErrValue)
	}
	switch kind {
	case optRefreshAdvice:
		return o.takeRefreshAdvice(data, at)
	case optAltCareOf:
		if len(data) != 16 {
			return wire.Fail("mh", "Alternate Care-of Address Length", at+1, wire.ErrLength)
		}
		if o.AltCareOf.IsValid() {
			return twice("Alternate Care-of Address", at)
		}
		o.AltCareOf = addr(data)
	case optNonces:
		if len(data) != 4 {
			return wire.Fail("mh", "Nonce Indices Length", at+1, wire.ErrLength)
		}
		if o.Nonces != nil {
			return twice("Nonce Indices", at)
		}
		o.Nonces = &NonceIndices{binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:])}
	case optBindingAuth:
		if len(data) == 0 {
			return wire.Fail("mh", "Binding Authorization Data Length", at+1, wire.ErrLength)
		}
		o.BindingAuth = bytes.Clone(data)
	case optMesgID:
		if len(data) != 8 {
			return wire.Fail("mh", "Mobility Message Replay Protection Length", at+1, wire.ErrLength)
		}
		if o.Timestamp != 0 {
			return twice("Timestamp", at)
		}
		o.Timestamp = binary.BigEndian.Uint64(data)
	case optMNID:
		return o.takeMNID(data, at)
	case optAuth:
		return o.takeAuth(data, at)
	case optNetwork:
		return o.takeNetwork(data, at)
	case OptBindingID:
		return o.takeBindingID(data, at)
	case optLLA:
		return o.takeLLA(data, at)
	case optAddress:
		return o.takeAddress(data, at)
	case optFastAuth:
		return o.takeFastAuth(data, at)
	default:
		return o.takeUnknown(kind, data, at)
	}
	return nil
}

func (o *Options) takeRefreshAdvice(data []byte, at int) error {
	if len(data) != 2 {
		return wire.Fail("mh", "Binding Refresh Advice Length", at+1, wire.ErrLength)
	}
	if o.RefreshAdvice != 0 {
		return twice("Binding Refresh Advice", at)
	}
	o.RefreshAdvice = time.Duration(binary.BigEndian.Uint16(data)) * Unit
	return nil
}

// takeMNID reads an identifier: the NAI subtype is stored, others are kept as they came.
func (o *Options) takeMNID(data []byte, at int) error {
	if len(data) < 2 {
		return wire.Fail("mh", "Mobile Node Identifier Length", at+1, wire.ErrLength)
	}
	if data[0] != mnIDSubtype {
		return o.takeUnknown(optMNID, data, at)
	}
	if len(data)-1 > MaxNAI {
		return wire.Fail("mh", "NAI", at+1, wire.ErrLimit)
	}
	if o.NAI != "" {
		return twice("Mobile Node Identifier", at)
	}
	o.NAI = string(data[1:])
	return nil
}

func (o *Options) takeAuth(data []byte, at int) error {
	if len(data) <= 5 { // subtype, SPI and no authenticator
		return wire.Fail("mh", "Mobility Message Authentication Length", at+1, wire.ErrLength)
	}
	a := &Auth{Subtype: data[0], SPI: binary.BigEndian.Uint32(data[1:]), Data: bytes.Clone(data[5:])}
	switch {
	case o.Auth == nil:
		o.Auth = a
	case o.Auth.Subtype == AuthMNHA && a.Subtype == AuthMNAAA:
		o.AuthAAA = a
	default:
		// "the MN-HA authentication option must be present before the MN-AAA authentication option (else, the HA MUST
		// discard the message)", and one of each subtype: RFC 4285 §5.
		return wire.Fail("mh", "Mobility Message Authentication Subtype", at+2, wire.ErrValue)
	}
	return nil
}

func (o *Options) takeUnknown(kind uint8, data []byte, at int) error {
	if len(o.Unknown) == MaxUnknown {
		return wire.Fail("mh", "Option Type", at, wire.ErrLimit)
	}
	o.Unknown = append(o.Unknown, RawOption{Type: kind, Data: bytes.Clone(data)})
	return nil
}

func twice(field string, at int) error { return wire.Fail("mh", field+" (second)", at, wire.ErrValue) }
