package krb5

import "crypto/hmac"

// Checksum appends the mandatory checksum of the key's encryption type over data (RFC 3961 §5.4, RFC 8009 §6) to dst.
func (k Key) Checksum(dst []byte, u Usage, data ...[]byte) []byte {
	x := k.k()
	h := x.checksum(x.usage(u))
	for _, d := range data {
		h.Write(d)
	}
	end := len(dst)
	return h.Sum(dst)[:end+x.profile.mac]
}

// Verify says whether sum is that checksum, in constant time. typ is the checksum type that came with it: any but the mandatory one is wrong.
func (k Key) Verify(u Usage, typ int32, sum []byte, data ...[]byte) bool {
	return typ == k.EType().Checksum() && hmac.Equal(k.Checksum(k.k().usage(u).sum[:0], u, data...), sum)
}
