package mip6aaa

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// MaxSession is the most octets of a Session-Id: two lengths of names (RFC 6733 §8.8), and what the accounting database keeps.
const MaxSession = 1024

// Route is what a request is routed and answered by.
type Route struct {
	Session                 string // Session-Id, RFC 6733 §8.8
	OriginHost, OriginRealm string
	DestinationRealm        string
	DestinationHost         string // empty: whoever serves the realm
}

func (r *Route) append(b *diameter.Builder) {
	b.Text(diameter.SessionID, r.Session)
	b.Text(diameter.OriginHost, r.OriginHost).Text(diameter.OriginRealm, r.OriginRealm).Text(diameter.DestinationRealm, r.DestinationRealm)
	text(b, diameter.DestinationHost, r.DestinationHost)
}

// take reads an AVP if it is one of the route's. Of an answer it reads session and origin.
func (r *Route) take(a diameter.AVP) (known bool, err error) {
	switch a.Key {
	case diameter.SessionID:
		if len(a.Data) == 0 || len(a.Data) > MaxSession {
			return true, short(a, "Session-Id with %d octets; 1 to %d are allowed", len(a.Data), MaxSession)
		}
		if r.Session, err = a.Text(); err == nil && strings.ContainsFunc(r.Session, unicode.IsControl) {
			return true, bad(a, "Session-Id with a control character")
		}
	case diameter.OriginHost:
		r.OriginHost, err = a.Identity()
	case diameter.OriginRealm:
		r.OriginRealm, err = a.Identity()
	case diameter.DestinationRealm:
		r.DestinationRealm, err = a.Identity()
	case diameter.DestinationHost:
		r.DestinationHost, err = a.Identity()
	default:
		return false, nil
	}
	return true, err
}

// Outcome is how an answer says how it went.
type Outcome struct {
	Session                 string
	OriginHost, OriginRealm string // who answered
	Code                    diameter.ResultCode
	Message                 string // Error-Message: for people
}

func (o *Outcome) take(a diameter.AVP) (known bool, err error) {
	switch a.Key {
	case diameter.ResultCodeAVP:
		var v uint32
		v, err = a.Uint32()
		o.Code = diameter.ResultCode(v)
	case diameter.ErrorMessage:
		o.Message, err = a.Text()
	default:
		r := Route{o.Session, o.OriginHost, o.OriginRealm, "", ""}
		known, err = r.take(a)
		o.Session, o.OriginHost, o.OriginRealm = r.Session, r.OriginHost, r.OriginRealm
		return known, err
	}
	return true, err
}

func text(b *diameter.Builder, k diameter.Key, s string) {
	if s != "" {
		b.Text(k, s)
	}
}

func octets(b *diameter.Builder, k diameter.Key, v []byte) {
	if len(v) > 0 {
		b.Bytes(k, v)
	}
}

func word(b *diameter.Builder, k diameter.Key, v uint32) {
	if v != 0 {
		b.Uint32(k, v)
	}
}

func addr(b *diameter.Builder, k diameter.Key, a netip.Addr) {
	if a.IsValid() {
		b.Addr(k, a)
	}
}

// begin starts a request of the application, which may be proxied.
func begin(b *diameter.Builder, command uint32) *diameter.Builder {
	return b.Request(command, diameter.AppMobileIPv6AAA, diameter.Proxiable)
}

// each gives every AVP to what all requests or all answers have, and those that it does not know to the command's own.
func each(m diameter.Message, shared func(diameter.AVP) (known bool, err error), own func(diameter.AVP) error) error {
	for x := range m.All() {
		known, err := shared(x)
		if !known {
			err = own(x)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// address is that of one IPv6 node, of a scope that reaches beyond the link.
func address(a diameter.AVP) (netip.Addr, error) {
	x, err := a.Addr()
	if err != nil {
		return netip.Addr{}, err
	}
	if !ip6.Routable(x) {
		return netip.Addr{}, bad(a, "%s %v is no address that mobile nodes and home agents have", a.Name(), x)
	}
	return x, nil
}

func name(a diameter.AVP) (string, error) {
	s, err := access.Text(a.Name(), a.Data, 0)
	if err != nil {
		return "", bad(a, "%v", err)
	}
	return s, nil
}

func atMost(a diameter.AVP, n int) ([]byte, error) {
	if len(a.Data) == 0 || len(a.Data) > n {
		return nil, short(a, "%s with %d octets; 1 to %d are allowed", a.Name(), len(a.Data), n)
	}
	return bytes.Clone(a.Data), nil
}

func blame(code diameter.ResultCode, a diameter.AVP, format string, args ...any) error {
	e := &diameter.Error{Code: code, Text: fmt.Sprintf(format, args...)}
	if len(a.Raw()) <= diameter.MaxFailed && !secret(a) {
		e.Failed = bytes.Clone(a.Raw())
	}
	return e
}

// secret says whether an AVP holds a key, which no answer sends back.
func secret(a diameter.AVP) bool {
	d, ok := diameter.Lookup(a.Key)
	return ok && d.Secret || a.Key == diameter.KeyDistribution
}

func bad(a diameter.AVP, format string, args ...any) error {
	return blame(diameter.InvalidAVPValue, a, format, args...)
}

func short(a diameter.AVP, format string, args ...any) error {
	return blame(diameter.InvalidAVPLength, a, format, args...)
}

func contradiction(a diameter.AVP, format string, args ...any) error {
	return blame(diameter.ContradictingAVPs, a, format, args...)
}

func missing(format string, args ...any) error {
	return &diameter.Error{Code: diameter.MissingAVP, Text: fmt.Sprintf(format, args...)}
}
