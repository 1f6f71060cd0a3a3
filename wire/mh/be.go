package mh

import (
	"net/netip"
	"strconv"
)

// Status values of a Binding Error, RFC 6275 §6.1.9.
const (
	UnknownBinding uint8 = 1 // Unknown binding for Home Address destination option
	UnknownMHType  uint8 = 2 // Unrecognized MH Type value
)

// BindingError signals a packet that could not be treated for want of a binding, or an unknown MH Type, RFC 6275 §6.1.9.
type BindingError struct {
	Status      uint8      // UnknownBinding or UnknownMHType
	HomeAddress netip.Addr // from the Home Address option; "::" when the packet had none
	Options     Options
}

// ErrorWords gives the document's words for the Status of a Binding Error.
func ErrorWords(status uint8) string {
	switch status {
	case UnknownBinding:
		return "Unknown binding for Home Address destination option"
	case UnknownMHType:
		return "Unrecognized MH Type value"
	}
	return "Status " + strconv.Itoa(int(status))
}

// Type gives TypeBindingError.
func (m *BindingError) Type() uint8 { return TypeBindingError }

// Opts gives the options.
func (m *BindingError) Opts() *Options { return &m.Options }

func (m *BindingError) fixedLen() int { return headerLen + 18 }

func (m *BindingError) appendFixed(b []byte) []byte {
	return appendAddr(append(b, m.Status, 0), m.HomeAddress)
}

func (m *BindingError) parseFixed(d []byte) {
	m.Status = d[0]
	m.HomeAddress = addr(d[2:18])
}
