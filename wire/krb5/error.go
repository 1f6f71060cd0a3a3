package krb5

import "roam6/wire"

// KRBError is a KRB-ERROR, RFC 4120 §5.9.1. Nothing protects it: it is a hint.
type KRBError struct {
	ClientTime Stamp // zero: absent
	ServerTime Stamp
	Code       ErrorCode
	Client     Principal // each part may be absent
	Server     Principal
	Text       string
	Data       []byte // e-data: METHOD-DATA when pre-authentication is wanted, TYPED-DATA with PKINIT
}

// ParseKRBError reads a KRB-ERROR.
func ParseKRBError(b []byte) (*KRBError, error) {
	r, s := reading(b)
	v := &KRBError{}
	s = r.opened(s, KindError, 0)
	if r.has(&s, 2) {
		v.ClientTime = r.time(&s, "ctime", 2)
	}
	if r.has(&s, 3) {
		v.ClientTime = stamped(v.ClientTime, r.micro(&s, "cusec", 3))
	}
	v.ServerTime = r.time(&s, "stime", 4)
	v.ServerTime = stamped(v.ServerTime, r.micro(&s, "susec", 5))
	v.Code = ErrorCode(r.number(&s, "error-code", 6))
	if r.has(&s, 7) {
		v.Client.Realm = r.text(&s, "crealm", 7)
	}
	if r.has(&s, 8) {
		v.Client.Name = r.name(&s, "cname", 8)
	}
	v.Server.Realm = r.text(&s, "realm", 9)
	v.Server.Name = r.name(&s, "sname", 10)
	if r.has(&s, 11) {
		v.Text = r.text(&s, "e-text", 11)
	}
	if r.has(&s, 12) {
		v.Data = r.octets(&s, "e-data", 12)
	}
	r.later(s, "KRB-ERROR", 12)
	if r.err != nil {
		return nil, r.err
	}
	return v, nil
}

// Kind is KindError.
func (*KRBError) Kind() Kind { return KindError }

// Append writes the message.
func (v *KRBError) Append(b []byte) []byte {
	b, outer, seq := openMessage(b, KindError, 0)
	if !v.ClientTime.IsZero() {
		b = appendTime(b, 2, v.ClientTime)
		b = appendNumber(b, 3, micros(v.ClientTime))
	}
	b = appendTime(b, 4, v.ServerTime)
	b = appendNumber(b, 5, micros(v.ServerTime))
	b = appendNumber(b, 6, int64(v.Code))
	if v.Client.Realm != "" {
		b = appendText(b, 7, v.Client.Realm)
	}
	if !v.Client.Name.IsZero() {
		b = v.Client.Name.append(b, 8)
	}
	b = appendText(b, 9, v.Server.Realm)
	b = v.Server.Name.append(b, 10)
	if v.Text != "" {
		b = appendText(b, 11, v.Text)
	}
	if len(v.Data) > 0 {
		b = appendOctets(b, 12, v.Data)
	}
	return shut2(b, outer, seq)
}

// Message is a message by itself.
type Message interface {
	Kind() Kind
	Append(b []byte) []byte
}

// Parse reads any message: *KDCReq, *KDCRep, *APReq, *APRep, *TicketPush or *KRBError.
func Parse(b []byte) (Message, error) {
	switch k := KindOf(b); k {
	case KindASReq, KindTGSReq:
		return message(ParseKDCReq(b))
	case KindASRep, KindTGSRep:
		return message(ParseKDCRep(b))
	case KindAPReq:
		v, err := ParseAPReq(b)
		return message(&v, err)
	case KindAPRep:
		v, err := ParseAPRep(b)
		return message(&v, err)
	case KindTicketPush:
		v, err := ParseTicketPush(b)
		return message(&v, err)
	case KindError:
		return message(ParseKRBError(b))
	}
	r, s := reading(b)
	if len(b) == 0 {
		r.fail("msg-type", s, wire.ErrTruncated)
	}
	r.fail("msg-type", s, wire.ErrUnknown)
	return nil, r.err
}

func message[T Message](v T, err error) (Message, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}
