package check

import (
	"encoding/json"
	"net/netip"
	"slices"

	"roam6/engine"
)

// Binding is one entry of a binding cache as a View shows it.
type Binding struct {
	HoA     netip.Addr  `json:"home_address"`
	CoA     netip.Addr  `json:"coa"`
	Expires engine.Mono `json:"expires_mono"`
	// Networks go with the home address.
	Networks []netip.Prefix `json:"networks"`
	// CareOfs are several care-of addresses, CoA among them.
	CareOfs []CareOf `json:"care_of_addresses"`
}

// CareOf is one of several care-of addresses.
type CareOf struct {
	CoA     netip.Addr  `json:"coa"`
	Expires engine.Mono `json:"expires_mono"`
}

// until is when a care-of address ceases to be bound; false if it is not.
func (b *Binding) until(coa netip.Addr) (engine.Mono, bool) {
	for _, c := range b.CareOfs {
		if c.CoA == coa {
			return c.Expires, true
		}
	}
	return b.Expires, len(b.CareOfs) == 0 && b.CoA == coa
}

// covers says whether packets for an address go by the binding.
func (b *Binding) covers(to netip.Addr) bool {
	return b.HoA == to || slices.ContainsFunc(b.Networks, func(n netip.Prefix) bool { return n.Contains(to) })
}

// Bindings reads the binding cache out of a View; nil if it shows none. ok is false if the View's JSON does not have the
// form that package check describes.
func Bindings(view any) (list []Binding, ok bool) {
	raw, err := json.Marshal(view)
	if err != nil {
		return nil, false
	}
	var v struct {
		Bindings []Binding `json:"bindings"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, false
	}
	for _, b := range v.Bindings {
		if !b.HoA.IsValid() || !b.CoA.IsValid() {
			return nil, false
		}
	}
	return v.Bindings, true
}
