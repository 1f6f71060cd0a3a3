package eap

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"roam6/wire"
)

// Limits of EAP-GPSK.
const (
	RandLen   = 32  // RFC 5433 §9.3
	MaxID     = 254 // octets of ID_Peer and ID_Server, RFC 5433 §5
	MaxSuites = 16  // in one CSuite_List
	maxData   = MaxLen - HeaderLen - wideLen
)

// Suite is a ciphersuite: CSuite/Vendor and CSuite/Specifier, RFC 5433 §9.2.
type Suite struct {
	Vendor    uint32
	Specifier uint16
}

// The ciphersuites of RFC 5433 §6.
var (
	AES    = Suite{Specifier: 1} // AES-CBC-128, AES-CMAC-128
	SHA256 = Suite{Specifier: 2} // no encryption, HMAC-SHA256
)

const suiteLen = 6

// String is the name, or the numbers.
func (s Suite) String() string {
	switch s {
	case AES:
		return "AES-CMAC-128 with AES-CBC-128"
	case SHA256:
		return "HMAC-SHA256"
	}
	return fmt.Sprintf("suite %d of vendor %d", s.Specifier, s.Vendor)
}

// MACLen is ML, the octets of the suite's MAC; 0 if the suite is not known.
func (s Suite) MACLen() int {
	switch s {
	case AES:
		return 16
	case SHA256:
		return 32
	}
	return 0
}

// Append writes the six octets.
func (s Suite) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, s.Vendor)
	return binary.BigEndian.AppendUint16(b, s.Specifier)
}

// Op is the OP-Code of an EAP-GPSK message, RFC 5433 §9.1.
type Op uint8

// The OP-Codes.
const (
	OpGPSK1         Op = 1
	OpGPSK2         Op = 2
	OpGPSK3         Op = 3
	OpGPSK4         Op = 4
	OpFail          Op = 5
	OpProtectedFail Op = 6
)

// String names the message.
func (o Op) String() string {
	switch {
	case o >= OpGPSK1 && o <= OpGPSK4:
		return fmt.Sprintf("GPSK-%d", uint8(o))
	case o == OpFail:
		return "GPSK-Fail"
	case o == OpProtectedFail:
		return "GPSK-Protected-Fail"
	}
	return fmt.Sprintf("OP-Code %d", uint8(o))
}

// FailureCode says why the server refuses, RFC 5433 §9.3.
type FailureCode uint32

// The codes.
const (
	PSKNotFound           FailureCode = 1
	AuthenticationFailure FailureCode = 2
	AuthorizationFailure  FailureCode = 3
)

// String names the code as the RFC does.
func (f FailureCode) String() string {
	switch f {
	case PSKNotFound:
		return "PSK Not Found"
	case AuthenticationFailure:
		return "Authentication Failure"
	case AuthorizationFailure:
		return "Authorization Failure"
	}
	return fmt.Sprintf("failure %d", uint32(f))
}

// GPSKMessage is one of the six messages of EAP-GPSK, what stands behind the type of a packet.
type GPSKMessage interface {
	Op() Op
	// Covered is what the MAC of the message covers: all behind the OP-Code and before the MAC.
	Covered() []byte
	// Append writes the message with its OP-Code and, where it has one, its MAC.
	Append(b []byte) []byte
}

// GPSK1 is what the server begins with. It has no MAC; GPSK2 repeats and protects what it says.
type GPSK1 struct {
	Server     []byte // ID_Server
	RandServer [RandLen]byte
	Suites     []Suite // CSuite_List
}

// GPSK2 is the peer's answer.
type GPSK2 struct {
	Peer, Server         []byte // ID_Peer, ID_Server
	RandPeer, RandServer [RandLen]byte
	Suites               []Suite // CSuite_List of GPSK1
	Suite                Suite   // CSuite_Sel
	Protected            []byte  // PD_Payload_Block, nil if there is none
	MAC                  []byte
}

// GPSK3 is the server's proof.
type GPSK3 struct {
	RandPeer, RandServer [RandLen]byte
	Server               []byte // ID_Server
	Suite                Suite  // CSuite_Sel
	Protected            []byte // PD_Payload_Block, nil if there is none
	MAC                  []byte
}

// GPSK4 is the peer's confirmation.
type GPSK4 struct {
	Protected []byte // PD_Payload_Block, nil if there is none
	MAC       []byte
}

// GPSKFail ends a conversation without proof.
type GPSKFail struct{ Failure FailureCode }

// GPSKProtectedFail ends a conversation of those who share the key.
type GPSKProtectedFail struct {
	Failure FailureCode
	MAC     []byte
}

// Op is OpGPSK1.
func (*GPSK1) Op() Op { return OpGPSK1 }

// Op is OpGPSK2.
func (*GPSK2) Op() Op { return OpGPSK2 }

// Op is OpGPSK3.
func (*GPSK3) Op() Op { return OpGPSK3 }

// Op is OpGPSK4.
func (*GPSK4) Op() Op { return OpGPSK4 }

// Op is OpFail.
func (*GPSKFail) Op() Op { return OpFail }

// Op is OpProtectedFail.
func (*GPSKProtectedFail) Op() Op { return OpProtectedFail }

func appendCounted(b, v []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
	return append(b, v...)
}

func appendSuites(b []byte, list []Suite) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(suiteLen*len(list)))
	for _, s := range list {
		b = s.Append(b)
	}
	return b
}

// Covered is all of the message; no MAC covers it.
func (m *GPSK1) Covered() []byte {
	b := appendCounted(nil, m.Server)
	b = append(b, m.RandServer[:]...)
	return appendSuites(b, m.Suites)
}

// Covered is all before the MAC.
func (m *GPSK2) Covered() []byte {
	b := appendCounted(appendCounted(nil, m.Peer), m.Server)
	b = append(append(b, m.RandPeer[:]...), m.RandServer[:]...)
	return appendCounted(m.Suite.Append(appendSuites(b, m.Suites)), m.Protected)
}

// Covered is all before the MAC.
func (m *GPSK3) Covered() []byte {
	b := append(bytes.Clone(m.RandPeer[:]), m.RandServer[:]...)
	return appendCounted(m.Suite.Append(appendCounted(b, m.Server)), m.Protected)
}

// Covered is all before the MAC.
func (m *GPSK4) Covered() []byte { return appendCounted(nil, m.Protected) }

// Covered is all of the message; no MAC covers it.
func (m *GPSKFail) Covered() []byte { return binary.BigEndian.AppendUint32(nil, uint32(m.Failure)) }

// Covered is all before the MAC.
func (m *GPSKProtectedFail) Covered() []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(m.Failure))
}

func appendMessage(b []byte, m GPSKMessage, mac []byte) []byte {
	b = append(b, byte(m.Op()))
	return append(append(b, m.Covered()...), mac...)
}

// Append writes the message.
func (m *GPSK1) Append(b []byte) []byte { return appendMessage(b, m, nil) }

// Append writes the message.
func (m *GPSK2) Append(b []byte) []byte { return appendMessage(b, m, m.MAC) }

// Append writes the message.
func (m *GPSK3) Append(b []byte) []byte { return appendMessage(b, m, m.MAC) }

// Append writes the message.
func (m *GPSK4) Append(b []byte) []byte { return appendMessage(b, m, m.MAC) }

// Append writes the message.
func (m *GPSKFail) Append(b []byte) []byte { return appendMessage(b, m, nil) }

// Append writes the message.
func (m *GPSKProtectedFail) Append(b []byte) []byte { return appendMessage(b, m, m.MAC) }

// ParseGPSK reads what stands behind the type of an EAP-GPSK packet; the message shares nothing with b. Offsets of errors count
// from the OP-Code.
func ParseGPSK(b []byte) (GPSKMessage, error) {
	if len(b) == 0 {
		return nil, fail("OP-Code", 0, wire.ErrTruncated)
	}
	if len(b) > maxData {
		return nil, fail("OP-Code", maxData, wire.ErrLimit)
	}
	r := reader{b: b, at: 1}
	var m GPSKMessage
	switch Op(b[0]) {
	case OpGPSK1:
		m = r.gpsk1()
	case OpGPSK2:
		m = r.gpsk2()
	case OpGPSK3:
		m = r.gpsk3()
	case OpGPSK4:
		m = &GPSK4{Protected: r.counted("PD_Payload_Block", 0, maxData), MAC: r.mac(Suite{})}
	case OpFail:
		m = &GPSKFail{r.failure()}
	case OpProtectedFail:
		m = &GPSKProtectedFail{r.failure(), r.mac(Suite{})}
	default:
		return nil, fail("OP-Code", 0, wire.ErrUnknown)
	}
	if r.err == nil && r.at < len(b) {
		r.fail("Payload", r.at, wire.ErrLength)
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

func (r *reader) gpsk1() *GPSK1 {
	return &GPSK1{Server: r.counted("ID_Server", 1, MaxID), RandServer: r.random("RAND_Server"), Suites: r.suites()}
}

func (r *reader) gpsk2() *GPSK2 {
	m := &GPSK2{Peer: r.counted("ID_Peer", 1, MaxID), Server: r.counted("ID_Server", 1, MaxID),
		RandPeer: r.random("RAND_Peer"), RandServer: r.random("RAND_Server"), Suites: r.suites(), Suite: r.selected()}
	m.Protected = r.counted("PD_Payload_Block", 0, maxData)
	m.MAC = r.mac(m.Suite)
	return m
}

func (r *reader) gpsk3() *GPSK3 {
	m := &GPSK3{RandPeer: r.random("RAND_Peer"), RandServer: r.random("RAND_Server"), Server: r.counted("ID_Server", 1, MaxID), Suite: r.selected()}
	m.Protected = r.counted("PD_Payload_Block", 0, maxData)
	m.MAC = r.mac(m.Suite)
	return m
}
