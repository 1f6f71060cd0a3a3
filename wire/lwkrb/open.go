package lwkrb

import (
	"encoding/binary"
	"time"

	"roam6/wire"
)

// OpenRequest is lwkerb-open-req: will you open this for me?
type OpenRequest struct {
	ID     uint32
	Key    KeyName // the access router's, or that of a realm with another
	Sealed []byte  // an OpenRequestBody; what stands before it is its additional data
}

// Type is TypeOpenRequest.
func (*OpenRequest) Type() Type { return TypeOpenRequest }

// ParseOpenRequest reads an open-req. The result shares memory with b.
//
// spec FH-14, FH-15
func ParseOpenRequest(b []byte) (OpenRequest, error) {
	r, id := header(b, TypeOpenRequest, MaxOpen)
	m := OpenRequest{ID: id, Key: r.keyName(), Sealed: r.rest("Sealed", SealedMin, MaxOpen)}
	return done(&r, m)
}

// Append writes the message.
func (m *OpenRequest) Append(b []byte) []byte {
	start := len(b)
	b = m.Key.Append(begin(b, TypeOpenRequest, m.ID))
	return end(append(b, m.Sealed...), start)
}

// Before writes all of an open-req that stands before its sealed part of size octets: the additional data of its sealing.
func (m *OpenRequest) Before(b []byte, size int) []byte {
	start := len(b)
	b = m.Key.Append(begin(b, TypeOpenRequest, m.ID))
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start+size))
	return b
}

// OpenReply is lwkerb-open-rep.
type OpenReply struct {
	ID     uint32 // of the open-req
	Sealed []byte // an OpenReplyBody; the header is its additional data
}

// Type is TypeOpenReply.
func (*OpenReply) Type() Type { return TypeOpenReply }

// ParseOpenReply reads an open-rep. The result shares memory with b.
//
// spec FH-14, FH-15
func ParseOpenReply(b []byte) (OpenReply, error) {
	r, id := header(b, TypeOpenReply, MaxOpen)
	m := OpenReply{ID: id, Sealed: r.rest("Sealed", SealedMin, MaxOpen)}
	return done(&r, m)
}

// Append writes the message.
func (m *OpenReply) Append(b []byte) []byte {
	start := len(b)
	return end(append(begin(b, TypeOpenReply, m.ID), m.Sealed...), start)
}

// OpenRequestBody is what an open-req seals.
type OpenRequestBody struct {
	Time    time.Time
	Router  Principal // the access router that asks: its KDC has it from the key, those behind it from the KDC before
	Path    []string  // realms whose KDCs sent it on, the router's first
	Request []byte    // a whole ap-req, as the mobile node wrote it
}

// ParseOpenRequestBody reads it. Whether Request is an ap-req is for ParseRequest to say.
func ParseOpenRequestBody(b []byte) (OpenRequestBody, error) {
	r := reader{b: b}
	m := OpenRequestBody{Time: r.time("Time"), Router: r.principal("Router"), Path: r.realms("Path")}
	m.Request = r.rest("Request", HeaderLen, MaxMessage)
	return done(&r, m)
}

// Append writes it.
func (m *OpenRequestBody) Append(b []byte) []byte {
	b = appendRealms(appendCounted(appendTime(b, m.Time), m.Router), m.Path)
	return append(b, m.Request...)
}

// OpenReplyBody is what an open-rep seals.
type OpenReplyBody struct {
	Code Code
	Time time.Time
	// Key is the access key if Code is None, else the error key, or zeros if the ap-req could not be opened.
	Key Secret
	Opened
}

// Opened is what a KDC tells an access router of a ticket and an authenticator: nothing if it refuses.
type Opened struct {
	Flags         uint32
	End           time.Time // of the ticket
	Client        Principal // by what name the visited network may know it: its realm decides
	Transited     []string  // of the ticket
	Authenticator []byte    // an Authenticator
	Attributes    []byte    // Diameter AVPs
}

// ParseOpenReplyBody reads it.
func ParseOpenReplyBody(b []byte) (OpenReplyBody, error) {
	r := reader{b: b}
	m := OpenReplyBody{Code: Code(r.half("Code")), Time: r.time("Time"), Key: Secret(r.take("Key", SecretLen))}
	if m.Code != None {
		return done(&r, m)
	}
	m.Flags, m.End = r.word("Flags"), r.time("End")
	m.Client, m.Transited = r.principal("Client"), r.realms("Transited")
	at := r.at
	n := int(r.half("length(Authenticator)"))
	m.Authenticator = r.take("Authenticator", n)
	if r.err == nil && (n < MinAuthenticator || n > MaxAuthenticator) {
		r.fail("length(Authenticator)", at, wire.ErrLength)
	}
	m.Attributes = r.rest("Attributes", 0, MaxAttributes)
	return done(&r, m)
}

// Append writes it.
func (m *OpenReplyBody) Append(b []byte) []byte {
	b = appendTime(binary.BigEndian.AppendUint16(b, uint16(m.Code)), m.Time)
	b = m.Key.append(b)
	if m.Code != None {
		return b
	}
	b = appendTime(binary.BigEndian.AppendUint32(b, m.Flags), m.End)
	b = appendRealms(appendCounted(b, m.Client), m.Transited)
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Authenticator)))
	return append(append(b, m.Authenticator...), m.Attributes...)
}
