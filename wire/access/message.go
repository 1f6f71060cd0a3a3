package access

import (
	"roam6/wire"
	"roam6/wire/subopt"
)

// Message is a *Request or a *Reply.
type Message interface {
	// Subtype is SubtypeRequest or SubtypeReply.
	Subtype() uint8
	// AppendBody writes the suboptions in the order of their types.
	AppendBody(b []byte) []byte
	// Covered is what the authentication data of the message covers of its suboptions: those of AppendBody, without
	// what only the sender's end of the link adds and without the authentication data. It follows from the values alone, so
	// that a server that got them by Diameter makes the same octets.
	Covered() []byte
}

// bodyRoom is the memory that a body is begun in, which holds most of them.
const bodyRoom = 256

// Split cuts a message into parts between suboptions. A value that is itself split over suboptions may go on in the next part.
//
// spec DM-04
func Split(m Message, id uint32) []Part {
	body := m.AppendBody(nil)
	var parts []Part
	start, end := 0, 0
	cut := func() {
		parts = append(parts, Part{Subtype: m.Subtype(), ID: id, Part: uint8(len(parts)), Body: body[start:end:end]})
		start = end
	}
	for end < len(body) {
		size := int(body[end+1]) // never Pad: AppendBody writes none
		if end+size-start > MaxPart {
			cut()
		}
		end += size
	}
	cut()
	for i := range parts {
		parts[i].Parts = uint8(len(parts))
	}
	return parts
}

// Join makes a message of all its parts, in order, and checks every field and that the fields fit together. The offset of an error counts
// from the first suboption of the first part. The result shares nothing with the parts.
//
// spec DM-04
func Join(parts []Part) (Message, error) {
	if len(parts) == 0 || len(parts) != int(parts[0].Parts) || len(parts) > MaxParts {
		return nil, fail("Parts", 0, wire.ErrValue)
	}
	first := parts[0]
	var body []byte
	for i, p := range parts {
		if p.Subtype != first.Subtype || p.ID != first.ID || p.Parts != first.Parts || int(p.Part) != i {
			return nil, fail("Part", len(body), wire.ErrValue)
		}
		body = append(body, p.Body...)
	}
	switch first.Subtype {
	case SubtypeRequest:
		return message(ParseRequest(body))
	case SubtypeReply:
		return message(ParseReply(body))
	}
	return nil, fail("Subtype", 0, wire.ErrUnknown)
}

// message keeps a nil pointer from becoming a Message that is not nil.
func message[M Message](m M, err error) (Message, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

// each reads suboptions, base octets from where errors count, and hands each joined value to take. take says which types it knows and
// which of those it has seen; one that comes twice, with another between, is refused, an unknown one skipped.
func each(body []byte, take func(v subopt.Value) (known bool, err error)) error {
	list, err := subopt.Parse(proto, body, 0)
	if err != nil {
		return err
	}
	var seen [256]bool
	for _, v := range list {
		known, err := take(v)
		if err != nil {
			return err
		}
		if known && seen[v.Type] {
			return fail("Type", v.At, wire.ErrValue)
		}
		seen[v.Type] = true
	}
	return nil
}
