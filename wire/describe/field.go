package describe

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// field is a row of a layout table: a field of n octets, at octets from the start of its header or option. n is toEnd for
// one that takes the rest.
type field struct {
	name  string
	at, n int
	show  func(b []byte) string
}

const toEnd = -1

// layout is a header, message or option: its name, its document and its fields.
type layout struct {
	name, ref string
	fields    []field
}

// rows shows the fields of a table that lie in b; base is the offset of b in the packet. The first one that b cuts gets
// a fault unless cut says that b is known to be incomplete.
func rows(b []byte, base int, fields []field, cut bool) []Tree {
	out := make([]Tree, 0, len(fields))
	for _, f := range fields {
		n := f.n
		if n == toEnd {
			n = max(0, len(b)-f.at)
		}
		if f.at+n > len(b) {
			t := Tree{Name: f.name, Offset: base + min(f.at, len(b)), Len: max(0, len(b)-f.at), Value: "(cut off)"}
			if !cut {
				t.Fault = fmt.Sprintf("needs %s, %d are there", count(n), t.Len)
			}
			return append(out, t)
		}
		out = append(out, Tree{Name: f.name, Offset: base + f.at, Len: n, Value: f.show(b[f.at : f.at+n])})
	}
	return out
}

// The functions below show a value. Each is given the octets of its field.

func number(b []byte) uint64 {
	var v uint64
	for _, x := range b[:min(len(b), 8)] {
		v = v<<8 | uint64(x)
	}
	return v
}

func dec(b []byte) string { return strconv.FormatUint(number(b), 10) }

func hex(b []byte) string { return fmt.Sprintf("0x%0*x", 2*len(b), number(b)) }

// octets shows data in hex, the beginning of it when it is long.
func octets(b []byte) string {
	if len(b) == 0 {
		return "(none)"
	}
	if len(b) > MaxHex {
		return fmt.Sprintf("%x… (%s)", b[:MaxHex], count(len(b)))
	}
	return fmt.Sprintf("%x (%s)", b, count(len(b)))
}

// count says how many octets.
func count(n int) string {
	if n == 1 {
		return "1 octet"
	}
	return fmt.Sprintf("%d octets", n)
}

// sized shows a field that counts octets.
func sized(b []byte) string { return count(int(number(b))) }

func address(b []byte) string { return netip.AddrFrom16([16]byte(b)).String() }

func hardware(b []byte) string {
	if len(b) > 8 { // no link layer this project knows has longer addresses than an EUI-64
		return octets(b)
	}
	parts := make([]string, len(b))
	for i, x := range b {
		parts[i] = fmt.Sprintf("%02x", x)
	}
	return strings.Join(parts, ":")
}

// text shows octets that should be readable, escaped where they are not.
func text(b []byte) string { return strconv.Quote(string(b)) }

// unit4 shows units of 4 seconds, RFC 6275 §6.1.7.
func unit4(b []byte) string {
	n := number(b)
	return fmt.Sprintf("%d units of 4 s (%v)", n, time.Duration(n)*4*time.Second)
}

func seconds(b []byte) string { return duration(b, time.Second, "s") }

func millis(b []byte) string { return duration(b, time.Millisecond, "ms") }

func duration(b []byte, unit time.Duration, name string) string {
	n := number(b)
	if len(b) == 4 && n == 0xffffffff {
		return "infinite"
	}
	if unit == time.Second && n < 60 || unit == time.Millisecond && n < 1000 {
		return fmt.Sprintf("%d %s", n, name)
	}
	return fmt.Sprintf("%d %s (%v)", n, name, time.Duration(n)*unit)
}

// optional shows a value for which 0 means that it is not given.
func optional(show func([]byte) string, zero string) func([]byte) string {
	return func(b []byte) string {
		if number(b) == 0 {
			return "0 (" + zero + ")"
		}
		return show(b)
	}
}

// named shows a number with its name.
func named(name func(uint8) string) func([]byte) string {
	return func(b []byte) string {
		if w := name(b[0]); w != "" {
			return fmt.Sprintf("%d (%s)", b[0], w)
		}
		return dec(b)
	}
}

// flags shows the bits that are set; names begin at the highest bit, "" is one that another field shows. Bits without a name are
// reserved.
func flags(names ...string) func([]byte) string {
	return func(b []byte) string {
		v, bits := number(b), 8*len(b)
		var on []string
		for i, n := range names {
			bit := uint64(1) << (bits - 1 - i)
			if v&bit != 0 && n != "" {
				on = append(on, n)
			}
			v &^= bit
		}
		if v != 0 {
			on = append(on, fmt.Sprintf("reserved 0x%0*x", 2*len(b), v))
		}
		if len(on) == 0 {
			return "none"
		}
		return strings.Join(on, ", ")
	}
}

// ntp shows a timestamp as RFC 4285 §6 has it: seconds since 1900 and their fraction.
func ntp(b []byte) string {
	const to1970 = 2208988800 // seconds from 1900 to 1970, RFC 5905 §6
	sec, frac := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	at := time.Unix(int64(sec)-to1970, int64(uint64(frac)*1e9>>32)).UTC()
	return fmt.Sprintf("0x%016x (%s)", number(b), at.Format("2006-01-02 15:04:05.000000000 MST"))
}
