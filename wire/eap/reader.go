package eap

import (
	"encoding/binary"

	"roam6/wire"
)

// reader takes fields from the front of a message until one is wrong; after that it gives nothing.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) fail(field string, at int, cause error) {
	if r.err == nil {
		r.err = fail(field, at, cause)
	}
}

// take gives the next n octets, nil if they are not there.
func (r *reader) take(field string, n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.b)-r.at {
		r.fail(field, r.at, wire.ErrTruncated)
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

// counted gives least to most octets behind their length of two octets, nil if that is 0.
func (r *reader) counted(field string, least, most int) []byte {
	at := r.at
	l := r.take("length("+field+")", 2)
	if l == nil {
		return nil
	}
	n := int(binary.BigEndian.Uint16(l))
	switch {
	case n < least:
		r.fail("length("+field+")", at, wire.ErrLength)
		return nil
	case n > most:
		r.fail("length("+field+")", at, wire.ErrLimit)
		return nil
	}
	return kept(r.take(field, n))
}

func (r *reader) random(field string) (v [RandLen]byte) {
	copy(v[:], r.take(field, RandLen))
	return v
}

// suites reads a CSuite_List: at least one, in a multiple of six octets (RFC 5433 §9.2).
func (r *reader) suites() []Suite {
	at := r.at
	b := r.counted("CSuite_List", suiteLen, suiteLen*MaxSuites)
	if len(b)%suiteLen != 0 {
		r.fail("length(CSuite_List)", at, wire.ErrLength)
	}
	if r.err != nil {
		return nil
	}
	list := make([]Suite, 0, len(b)/suiteLen)
	for ; len(b) > 0; b = b[suiteLen:] {
		list = append(list, suite(b))
	}
	return list
}

func suite(b []byte) Suite {
	return Suite{Vendor: binary.BigEndian.Uint32(b), Specifier: binary.BigEndian.Uint16(b[4:])}
}

// selected reads CSuite_Sel. One that is not known is refused: nothing says how long its MAC is.
func (r *reader) selected() Suite {
	b := r.take("CSuite_Sel", suiteLen)
	if b == nil {
		return Suite{}
	}
	s := suite(b)
	if s.MACLen() == 0 {
		r.fail("CSuite_Sel", r.at-suiteLen, wire.ErrUnknown)
	}
	return s
}

func (r *reader) failure() FailureCode {
	b := r.take("Failure-Code", 4)
	if b == nil {
		return 0
	}
	f := FailureCode(binary.BigEndian.Uint32(b))
	if f == 0 { // reserved, RFC 5433 §9.3
		r.fail("Failure-Code", r.at-4, wire.ErrValue)
	}
	return f
}

// mac reads the MAC of a suite, which takes the rest. A message that does not name its suite may have the MAC of any.
func (r *reader) mac(s Suite) []byte {
	if r.err != nil {
		return nil
	}
	n, rest := s.MACLen(), len(r.b)-r.at
	if n == 0 {
		n = AES.MACLen()
		if rest >= SHA256.MACLen() {
			n = SHA256.MACLen()
		}
	}
	return kept(r.take("MAC", n))
}
