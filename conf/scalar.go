package conf

import (
	"encoding"
	"encoding/hex"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Hex is octets written as hexadecimal digits; colons and blanks between octets are allowed.
type Hex []byte

var separators = strings.NewReplacer(":", "", " ", "")

// UnmarshalText reads the digits.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(separators.Replace(string(text)))
	if err != nil {
		return errors.New("octets as pairs of hexadecimal digits")
	}
	*h = b
	return nil
}

// Secret is Hex that no error message shows: keys.
type Secret []byte

// UnmarshalText reads the digits.
func (s *Secret) UnmarshalText(text []byte) error { return (*Hex)(s).UnmarshalText(text) }

// String covers the octets.
func (s Secret) String() string { return "(hidden)" }

// GoString covers the octets.
func (s Secret) GoString() string { return "(hidden)" }

// Hidden marks the type as one whose values are not shown.
func (s Secret) Hidden() {}

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	hiddenType   = reflect.TypeFor[interface{ Hidden() }]()
	durationType = reflect.TypeFor[time.Duration]()
)

// expecter is implemented by types that read themselves from text and can say which texts they read.
type expecter interface{ Expected() string }

// isScalar reports whether values of the type are written as one word.
func isScalar(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(textType) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}

// scalar decodes one word.
func (c *decoder) scalar(n *node, v reflect.Value, path string) {
	if v.Type().Implements(hiddenType) && n.kind == scalar {
		c.doc.secrets = append(c.doc.secrets, n)
	}
	if n.kind != scalar {
		c.wrong(n, path, expected(v))
		return
	}
	if !parseScalar(n.text, v) {
		if v.Type().Implements(hiddenType) {
			n = &node{kind: scalar, text: "(hidden)", line: n.line, column: n.column}
		}
		c.wrong(n, path, expected(v))
	}
}

// parseScalar sets v from its text.
func parseScalar(text string, v reflect.Value) bool {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text)) == nil
	}
	if v.Type() == durationType {
		d, err := time.ParseDuration(text)
		v.SetInt(int64(d))
		return err == nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Clone(text)) // not a part of the whole file
		return true
	case reflect.Bool:
		v.SetBool(text == "true")
		return text == "true" || text == "false"
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		v.SetFloat(f)
		return err == nil && f-f == 0 // neither infinite nor not-a-number
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(text, 0, v.Type().Bits())
		v.SetInt(i)
		return err == nil
	default:
		u, err := strconv.ParseUint(text, 0, v.Type().Bits())
		v.SetUint(u)
		return err == nil
	}
}

// expected says in words what a scalar of the type looks like.
func expected(v reflect.Value) string {
	if x, ok := v.Addr().Interface().(expecter); ok {
		return x.Expected()
	}
	switch v.Type().String() {
	case "time.Duration":
		return `a duration with its unit, such as "30ms", "1.5s" or "10m"`
	case "netip.Addr":
		return `an address, such as "2001:db8::1"`
	case "netip.Prefix":
		return `a prefix with its length, such as "2001:db8::/64"`
	case "conf.Hex", "conf.Secret":
		return "octets as pairs of hexadecimal digits"
	}
	switch v.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number of " + strconv.Itoa(v.Type().Bits()) + " bits, not negative"
	}
	return v.Type().String()
}
