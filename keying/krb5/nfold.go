package krb5

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
