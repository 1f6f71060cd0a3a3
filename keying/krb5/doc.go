// Package krb5 is the cryptography of Kerberos 5: the encryption types of RFC 3962 (AES with HMAC-SHA1-96, by the simplified profile of RFC
// 3961 §5.3) and of RFC 8009 (AES with HMAC-SHA-2), their checksums, pseudo-random functions and string-to-key, KRB-FX-CF2 (RFC 6113 §5.1)
// and the keys of PKINIT (RFC 4556 §3.2.3.1, RFC 8636 §6). Those with DES and RC4 are not here: RFC 6649 and RFC 8429 took them back.
//
//	password ──StringToKey──▶ Key ─┬─ Encrypt, Decrypt ( usage ): authentic encryption, no additional data
//	octets   ──NewKey───────▶      ├─ Checksum, Verify ( usage )
//	Z of DH  ──PKINITKey────▶      └─ PRF, Combine: further keys
//
// Each usage number (RFC 4120 §7.5.1) has keys of its own, derived at first use and kept. So a Key serves one goroutine at a time; Clone makes
// one for another. Nothing here draws randomness: who encrypts brings the confounder, ConfounderLen random octets that never come twice.
//
// Checksums are compared in constant time, and no key prints.
package krb5
