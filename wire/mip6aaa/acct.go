package mip6aaa

import (
	"net/netip"
	"time"

	"roam6/wire/diameter"
)

// Kind is an Accounting-Record-Type, RFC 6733 §9.8.1.
type Kind uint32

// The kinds.
const (
	Event   Kind = 1
	Start   Kind = 2
	Interim Kind = 3
	Stop    Kind = 4
)

// ACR is an Accounting-Request: AAA client to AAAv to AAAh. Counts are from the start of the session.
type ACR struct {
	Route
	User        string
	Kind        Kind
	Number      uint32        // Accounting-Record-Number: with the session it names the record
	At          time.Time     // Event-Timestamp, whole seconds; the zero time: not there
	Spent       time.Duration // Acct-Session-Time, whole seconds
	Home        netip.Addr
	CareOf      netip.Addr
	Agent       netip.Addr
	OctetsUp    uint64 // from the mobile node: Accounting-Input-Octets, RFC 7155 §4.6.1
	OctetsDown  uint64
	PacketsUp   uint64
	PacketsDown uint64
}

// Append writes the AVPs.
func (a *ACR) Append(b *diameter.Builder) {
	a.Route.append(b)
	b.Uint32(diameter.AcctApplicationID, diameter.AppMobileIPv6AAA)
	b.Uint32(diameter.AccountingRecordType, uint32(a.Kind)).Uint32(diameter.AccountingRecordNumber, a.Number)
	text(b, diameter.UserName, a.User)
	if !a.At.IsZero() {
		b.Time(diameter.EventTimestamp, a.At)
	}
	b.Uint32(diameter.AcctSessionTime, uint32(a.Spent/time.Second))
	addr(b, diameter.MIPv6MobileNodeAddress, a.Home)
	addr(b, diameter.CareOfAddress, a.CareOf)
	addr(b, diameter.MIPv6HomeAgentAddress, a.Agent)
	b.Uint64(diameter.AccountingInputOctets, a.OctetsUp).Uint64(diameter.AccountingOutputOctets, a.OctetsDown)
	b.Uint64(diameter.AccountingInputPackets, a.PacketsUp).Uint64(diameter.AccountingOutputPackets, a.PacketsDown)
}

// Octets is the whole message, its identifiers zero; good until the builder begins another.
func (a *ACR) Octets(b *diameter.Builder) []byte {
	a.Append(begin(b, diameter.Accounting))
	return b.Done()
}

// ParseACR reads an ACR that diameter.Check has accepted.
//
// spec DM-22
func ParseACR(m diameter.Message) (*ACR, error) {
	a := new(ACR)
	if err := each(m, a.Route.take, a.take); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *ACR) take(x diameter.AVP) (err error) {
	switch x.Key {
	case diameter.UserName:
		a.User, err = name(x)
	case diameter.AccountingRecordType:
		var v uint32
		if v, err = x.Uint32(); err == nil && (v < uint32(Event) || v > uint32(Stop)) {
			err = bad(x, "Accounting-Record-Type %d; 1 to 4 are known", v)
		}
		a.Kind = Kind(v)
	case diameter.AccountingRecordNumber:
		a.Number, err = x.Uint32()
	case diameter.EventTimestamp:
		a.At, err = x.Time()
	case diameter.AcctSessionTime:
		a.Spent, err = duration(x)
	case diameter.MIPv6MobileNodeAddress:
		a.Home, err = address(x)
	case diameter.CareOfAddress:
		a.CareOf, err = address(x)
	case diameter.MIPv6HomeAgentAddress:
		a.Agent, err = address(x)
	case diameter.AccountingInputOctets:
		a.OctetsUp, err = x.Uint64()
	case diameter.AccountingOutputOctets:
		a.OctetsDown, err = x.Uint64()
	case diameter.AccountingInputPackets:
		a.PacketsUp, err = x.Uint64()
	case diameter.AccountingOutputPackets:
		a.PacketsDown, err = x.Uint64()
	}
	return err
}

// ACA is an Accounting-Answer. Success says that the record is durable.
type ACA struct {
	Outcome
	Kind   Kind
	Number uint32
	User   string
}

// Append writes the AVPs besides those of diameter.Builder.Reply.
func (a *ACA) Append(b *diameter.Builder) {
	b.Uint32(diameter.AcctApplicationID, diameter.AppMobileIPv6AAA)
	b.Uint32(diameter.AccountingRecordType, uint32(a.Kind)).Uint32(diameter.AccountingRecordNumber, a.Number)
	text(b, diameter.UserName, a.User)
	text(b, diameter.ErrorMessage, a.Message)
}

// Octets is the whole answer to a message, by host of realm; good until the builder begins another.
func (a *ACA) Octets(b *diameter.Builder, to diameter.Message, host, realm string) []byte {
	a.Append(b.Reply(to, a.Code, host, realm))
	return b.Done()
}

// ParseACA reads an ACA that diameter.Check has accepted.
//
// spec DM-22
func ParseACA(m diameter.Message) (*ACA, error) {
	a := new(ACA)
	if err := each(m, a.Outcome.take, a.take); err != nil {
		return nil, err
	}
	if a.Code == 0 {
		return nil, missing("Result-Code is missing")
	}
	return a, nil
}

func (a *ACA) take(x diameter.AVP) (err error) {
	switch x.Key {
	case diameter.UserName:
		a.User, err = name(x)
	case diameter.AccountingRecordType:
		var v uint32
		v, err = x.Uint32()
		a.Kind = Kind(v)
	case diameter.AccountingRecordNumber:
		a.Number, err = x.Uint32()
	}
	return err
}
