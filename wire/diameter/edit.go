package diameter

import "encoding/binary"

// What an agent edits in a message it passes on, RFC 6733 §6.1.9 and §6.2.2. Each takes a message that Parse has accepted.

// SetHopByHop writes the Hop-by-Hop Identifier.
func SetHopByHop(raw []byte, id uint32) { binary.BigEndian.PutUint32(raw[offHopByHop:], id) }

// SetEndToEnd writes the End-to-End Identifier.
func SetEndToEnd(raw []byte, id uint32) { binary.BigEndian.PutUint32(raw[offEndToEnd:], id) }

// SetFlags writes the command flags.
func SetFlags(raw []byte, f Flags) { raw[offFlags] = byte(f) }

// AppendRoute adds a Route-Record with the identity of the peer the request came from, RFC 6733 §6.7.1. It appends to raw as append does.
func AppendRoute(raw []byte, identity string) []byte {
	start := len(raw)
	raw = appendText(raw, RouteRecord, Mandatory, identity)
	putUint24(raw[offLength:], uint24(raw[offLength:])+uint32(len(raw)-start))
	return raw
}

// AppendAVP adds an AVP at the end, as append does.
func AppendAVP(raw []byte, k Key, data []byte) []byte {
	start := len(raw)
	raw = pad(append(appendHead(raw, k, flagsOf(k), len(data)), data...))
	putUint24(raw[offLength:], uint24(raw[offLength:])+uint32(len(raw)-start))
	return raw
}

// SetUint32 writes the value of the first AVP with this key in its place. It says whether there was one of 4 octets.
func SetUint32(raw []byte, k Key, v uint32) bool {
	a, ok := List(raw[HeaderLen:]).Find(k)
	if !ok || len(a.Data) != 4 {
		return false
	}
	binary.BigEndian.PutUint32(a.Data, v)
	return true
}

// Remove takes out every AVP with this key, moving what follows down.
func Remove(raw []byte, k Key) []byte {
	out := raw[:HeaderLen]
	for l := raw[HeaderLen:]; len(l) > 0; {
		a, rest, ok := next(l)
		if !ok {
			break
		}
		if a.Key != k {
			out = append(out, a.raw...)
		}
		l = rest
	}
	putUint24(out[offLength:], uint32(len(out)))
	return out
}

// Relay appends to dst a request as a relay sends it on: another Hop-by-Hop Identifier, and a Route-Record with the identity of the peer it
// came from. m itself stays as it is.
func Relay(dst []byte, m Message, hopByHop uint32, from string) []byte {
	start := len(dst)
	dst = append(dst, m.Raw...)
	SetHopByHop(dst[start:], hopByHop)
	dst = appendText(dst, RouteRecord, Mandatory, from)
	putUint24(dst[start+offLength:], uint32(len(dst)-start))
	return dst
}
