package diameter

import "fmt"

// ResultCode is the value of the Result-Code AVP, RFC 6733 §7.1.
type ResultCode uint32

// Error is what is wrong with a message, in the words of the protocol and of people.
type Error struct {
	Code   ResultCode
	Failed []byte // the AVP that belongs into Failed-AVP, RFC 6733 §7.5; nil if there is none
	Text   string // for Error-Message and for people
}

// Error renders "diameter: 5014 DIAMETER_INVALID_AVP_LENGTH: …".
func (e *Error) Error() string { return fmt.Sprintf("diameter: %v: %s", e.Code, e.Text) }

// IsProtocol says whether an answer with this code carries the E flag: those in the 3000s, RFC 6733 §7.1.3.
func (c ResultCode) IsProtocol() bool { return c/1000 == 3 }

// Success says whether the request was carried out, entirely or for the time being: the 2000s, RFC 6733 §7.1.2.
func (c ResultCode) Success() bool { return c/1000 == 2 }

func fail(code ResultCode, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// failAVP blames an AVP that is whole.
func failAVP(code ResultCode, a AVP, format string, args ...any) *Error {
	e := fail(code, format, args...)
	e.Failed = append([]byte(nil), a.raw...)
	return e
}

// lies blames the AVP at the start of b, whose length contradicts what is there.
func lies(b []byte) *Error {
	return fail(InvalidAVPLength, "AVP length")
}
