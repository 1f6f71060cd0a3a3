package mh

import "encoding/binary"

// HomeTest answers a HomeTestInit with a keygen token, RFC 6275 §6.1.5.
type HomeTest struct {
	NonceIndex uint16  // to be given back in the Nonce Indices option
	Cookie     [8]byte // from the HomeTestInit
	Keygen     [8]byte // the keygen token
	Options    Options
}

// Type gives TypeHomeTest.
func (m *HomeTest) Type() uint8 { return TypeHomeTest }

// Opts gives the options.
func (m *HomeTest) Opts() *Options { return &m.Options }

func (m *HomeTest) fixedLen() int { return headerLen + 18 }

func (m *HomeTest) appendFixed(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, m.NonceIndex)
	b = append(b, m.Cookie[:]...)
	return append(b, m.Keygen[:]...)
}

func (m *HomeTest) parseFixed(d []byte) {
	m.NonceIndex = binary.BigEndian.Uint16(d)
	m.Cookie = [8]byte(d[2:])
	m.Keygen = [8]byte(d[10:])
}
