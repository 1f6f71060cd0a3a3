package mh

// HomeTestInit begins the home half of return routability, RFC 6275 §6.1.3: it goes from the mobile node's
// home address, through the home agent, to the correspondent node.
type HomeTestInit struct {
	Cookie  [8]byte // comes back in the HomeTest
	Options Options
}

// Type gives TypeHomeTestInit.
func (m *HomeTestInit) Type() uint8 { return TypeHomeTestInit }

// Opts gives the options.
func (m *HomeTestInit) Opts() *Options { return &m.Options }

func (m *HomeTestInit) fixedLen() int { return headerLen + 10 }

func (m *HomeTestInit) appendFixed(b []byte) []byte {
	return append(append(b, 0, 0), m.Cookie[:]...)
}

func (m *HomeTestInit) parseFixed(d []byte) { m.Cookie = [8]byte(d[2:]) }
