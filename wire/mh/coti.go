package mh

// CareOfTestInit begins the care-of half of return routability, RFC 6275 §6.1.4: it goes from the mobile node's
// care-of address, directly to the correspondent node.
type CareOfTestInit struct {
	Cookie  [8]byte // comes back in the CareOfTest
	Options Options
}

// Type gives TypeCareOfTestInit.
func (m *CareOfTestInit) Type() uint8 { return TypeCareOfTestInit }

// Opts gives the options.
func (m *CareOfTestInit) Opts() *Options { return &m.Options }

func (m *CareOfTestInit) fixedLen() int { return headerLen + 10 }

func (m *CareOfTestInit) appendFixed(b []byte) []byte {
	return append(append(b, 0, 0), m.Cookie[:]...)
}

func (m *CareOfTestInit) parseFixed(d []byte) { m.Cookie = [8]byte(d[2:]) }
