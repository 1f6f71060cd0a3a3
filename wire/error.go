// Package wire holds what every codec under it shares: the one error a parser may return.
//
// A codec turns bytes into values and values into bytes. It has no state, no clock and does no I/O.
// Each protocol is a package of its own; inside it every message has a Parse (or parse) that copies what
// it keeps out of the packet, and an Append that cannot fail because only valid values can be built.
package wire

import (
	"errors"
	"fmt"
)

// Causes of a parse error. Use errors.Is to tell them apart.
var (
	ErrTruncated = errors.New("truncated")           // the bytes end before the field does
	ErrLength    = errors.New("length field lies")   // a length field contradicts the bytes around it
	ErrValue     = errors.New("value not allowed")   // a field holds a value its document forbids
	ErrChecksum  = errors.New("checksum wrong")      // the checksum does not match the bytes
	ErrLimit     = errors.New("over a named limit")  // more elements than this parser accepts
	ErrUnknown   = errors.New("unknown type number") // a message type this codec does not know
)

// Error says where in a packet parsing stopped: protocol, field, octet offset from the start of the
// bytes given to the parser, and the cause.
type Error struct {
	Proto  string // protocol as its document names it, in lower case: "ip6", "nd", "mh", "esp"
	Field  string // field name as the document prints it: "Payload Length"
	Offset int    // octets from the start of the parsed bytes
	Err    error  // one of the causes above, or a wrapped *Error of an inner protocol
}

// Error renders "mh: Header Len at octet 1: truncated".
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s at octet %d: %v", e.Proto, e.Field, e.Offset, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fail builds an *Error.
func Fail(proto, field string, offset int, cause error) error {
	return &Error{Proto: proto, Field: field, Offset: offset, Err: cause}
}
