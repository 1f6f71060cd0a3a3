package krb5

import (
	"encoding/binary"
	"math/bits"
)

// nfold is n-fold of RFC 3961 §5.1 for n = 8*len(out): copies of in, each turned right by 13 bits more than the one before, added up in ones'
// complement as numbers of len(out) octets.
func nfold(out, in []byte) {
	n, m := len(out), len(in)
	clear(out)
	carry := 0
	for i := lcm(n, m) - 1; i >= 0; i-- {
		// octet i of all the copies in a row: it lies in copy i/m, which is turned by 13*(i/m) bits
		turned := 8*(i%m) - 13*(i/m)%(8*m)
		bit := (turned + 8*m) % (8 * m)
		hi, lo := in[bit/8], in[(bit/8+1)%m]
		octet := int(hi)<<8 | int(lo)
		carry += octet >> (8 - bit%8) & 0xff
		carry += int(out[i%n])
		out[i%n] = byte(carry)
		carry >>= 8
	}
	for i := n - 1; carry > 0; i = (i + n - 1) % n { // the carry out of the top comes in at the bottom
		carry += int(out[i])
		out[i] = byte(carry)
		carry >>= 8
	}
}

func lcm(a, b int) int {
	x, y := a, b
	for y > 0 {
		x, y = y, x%y
	}
	return a / x * b
}

// fold128 is nfold to 128 bits of the five octets that keys of usages are derived with: the same in a fiftieth of the time, which is most of
// what opening an authenticator under a fresh session key takes.
func fold128(out *[16]byte, in [5]byte) {
	const mask = 1<<40 - 1
	v := uint64(in[0])<<32 | uint64(binary.BigEndian.Uint32(in[1:]))
	var row [80]byte // lcm(40, 128) bits: sixteen copies
	for j := range 16 {
		turn := 13 * j % 40
		x := (v>>turn | v<<(40-turn)) & mask
		row[5*j] = byte(x >> 32)
		binary.BigEndian.PutUint32(row[5*j+1:], uint32(x))
	}
	var hi, lo, carry uint64
	for i := 0; i < len(row); i += 16 {
		lo, carry = bits.Add64(lo, binary.BigEndian.Uint64(row[i+8:]), 0)
		hi, carry = bits.Add64(hi, binary.BigEndian.Uint64(row[i:]), carry)
		for carry > 0 { // out of the top, in at the bottom
			lo, carry = bits.Add64(lo, carry, 0)
			hi, carry = bits.Add64(hi, 0, carry)
		}
	}
	binary.BigEndian.PutUint64(out[:], hi)
	binary.BigEndian.PutUint64(out[8:], lo)
}
