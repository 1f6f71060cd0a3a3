package mh

// BindingRefreshRequest asks a mobile node to renew its binding, RFC 6275 §6.1.2.
type BindingRefreshRequest struct {
	Options Options
}

// Type gives TypeBindingRefreshRequest.
func (m *BindingRefreshRequest) Type() uint8 { return TypeBindingRefreshRequest }

// Opts gives the options.
func (m *BindingRefreshRequest) Opts() *Options { return &m.Options }

func (m *BindingRefreshRequest) fixedLen() int { return headerLen + 2 }

func (m *BindingRefreshRequest) appendFixed(b []byte) []byte { return append(b, 0, 0) }

func (m *BindingRefreshRequest) parseFixed([]byte) {}
