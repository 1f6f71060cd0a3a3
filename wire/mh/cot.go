package mh

import "encoding/binary"

// CareOfTest answers a CareOfTestInit with a keygen token, RFC 6275 §6.1.6.
type CareOfTest struct {
	NonceIndex uint16  // to be given back in the Nonce Indices option
	Cookie     [8]byte // from the CareOfTestInit
	Keygen     [8]byte // the keygen token
	Options    Options
}

// Type gives TypeCareOfTest.
func (m *CareOfTest) Type() uint8 { return TypeCareOfTest }

// Opts gives the options.
func (m *CareOfTest) Opts() *Options { return &m.Options }

func (m *CareOfTest) fixedLen() int { return headerLen + 18 }

func (m *CareOfTest) appendFixed(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, m.NonceIndex)
	b = append(b, m.Cookie[:]...)
	return append(b, m.Keygen[:]...)
}

func (m *CareOfTest) parseFixed(d []byte) {
	m.NonceIndex = binary.BigEndian.Uint16(d)
	m.Cookie = [8]byte(d[2:])
	m.Keygen = [8]byte(d[10:])
}
