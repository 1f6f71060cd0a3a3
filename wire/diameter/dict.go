package diameter

import "fmt"

//go:generate go test ./internal/dictionary -run TestGenerated -write

// Type is a data format of RFC 6733 §4.2 and §4.3.
type Type uint8

// The types. DiameterURI is checked as text.
const (
	OctetString Type = iota
	Integer32
	Integer64
	Unsigned32
	Unsigned64
	Grouped
	Address
	Time
	UTF8String
	DiameterIdentity
	DiameterURI
	Enumerated
)

// least is the fewest octets of a value, which Failed-AVP is filled up to (RFC 6733 §7.5), and exact whether it is also the most.
func (t Type) least() (n int, exact bool) {
	switch t {
	case Integer32, Unsigned32, Enumerated, Time:
		return 4, true
	case Integer64, Unsigned64:
		return 8, true
	case Address:
		return 6, false
	case DiameterIdentity, DiameterURI:
		return 1, false
	}
	return 0, false
}

// Definition is what the dictionary says of an AVP.
type Definition struct {
	Name          string
	Key           Key
	Type          Type
	Must, MustNot AVPFlags // M, or none
	Secret        bool     // keys: not to be shown, logged or kept
	values        []named
}

// ValueName is the name of a value of an Enumerated, or of a flag; "" if it has none.
func (d *Definition) ValueName(v uint32) string { return nameOf(d.values, v) }

// Values calls f with every value that has a name, in the order of the dictionary.
func (d *Definition) Values(f func(v uint32, name string)) {
	for _, n := range d.values {
		f(n.number, n.name)
	}
}

// Lookup finds the definition of an AVP.
func Lookup(k Key) (*Definition, bool) {
	i := indexOf(k)
	return &definitions[i], i != 0
}

// indexOf is the place of an AVP in definitions, 0 if it is not known.
func indexOf(k Key) int {
	switch {
	case k.Vendor == 0 && k.Code < uint32(len(index)):
		return int(index[k.Code])
	case k.Vendor == VendorRoam6 && k.Code < uint32(len(indexRoam6)):
		return int(indexRoam6[k.Code])
	}
	return 0
}

// typeOf is the type of an AVP; of one that is not known, octets.
func typeOf(k Key) Type { return definitions[indexOf(k)].Type }

// flagsOf is what a builder sets: M unless the dictionary forbids it or does not know the AVP.
func flagsOf(k Key) AVPFlags {
	i := indexOf(k)
	if i == 0 {
		return 0
	}
	return Mandatory &^ definitions[i].MustNot
}

// Name is the name of an AVP, its numbers if it has none.
func (k Key) Name() string {
	if d, ok := Lookup(k); ok {
		return d.Name
	}
	if k.Vendor == 0 {
		return fmt.Sprintf("AVP %d", k.Code)
	}
	return fmt.Sprintf("AVP %d of vendor %d", k.Code, k.Vendor)
}

// String is "5005 DIAMETER_MISSING_AVP".
func (c ResultCode) String() string {
	if s := nameOf(resultNames, uint32(c)); s != "" {
		return fmt.Sprintf("%d %s", uint32(c), s)
	}
	return fmt.Sprint(uint32(c))
}

// CommandName is "Capabilities-Exchange-Request", or "" for a command that is not known.
func (h Header) CommandName() string {
	c := commandOf(h)
	switch {
	case c == nil:
		return ""
	case h.IsRequest():
		return c.name + "-Request"
	}
	return c.name + "-Answer"
}

// AppName is the name of an application, or "".
func AppName(id uint32) string { return nameOf(appNames, id) }

type named struct {
	number uint32
	name   string
}

func nameOf(list []named, n uint32) string {
	for _, x := range list {
		if x.number == n {
			return x.name
		}
	}
	return ""
}

// rule says how often the AVP at an index of definitions stands in a message or group. Index 0 is any other AVP, max 0 any number.
type rule struct {
	index    uint16
	min, max uint16
	fixed    bool
}

type command struct {
	name            string
	code, app       uint32
	proxiable       bool
	request, answer []rule
}

// commandOf finds a command. Commands of the base protocol are those of every application (RFC 6733 §8, §9).
func commandOf(h Header) *command {
	for i := range commands {
		if c := &commands[i]; c.code == h.Command && (c.app == h.App || c.app < 1<<24 && c.proxiable) {
			return c
		}
	}
	return nil
}
