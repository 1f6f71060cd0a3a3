package pkinit

// Reason is why a signed message is not believed. Its text says why; RFC 4556 §3.1.3 has an error for each.
type Reason string

// The reasons.
const (
	Malformed         Reason = "pkinit: the signed message cannot be read"
	WrongContent      Reason = "pkinit: something else was signed than is wanted here"
	WrongDigest       Reason = "pkinit: signed over a digest that is not taken; use SHA-256, SHA-384 or SHA-512"
	WrongSignature    Reason = "pkinit: the signature is wrong"
	NoCertificate     Reason = "pkinit: the signer's certificate is not in the message, or of a key that is not taken"
	Untrusted         Reason = "pkinit: no chain of certificates leads to an authority that is trusted here"
	Invalid           Reason = "pkinit: a certificate is not valid: its time, its signature, or what it may be used for"
	Revoked           Reason = "pkinit: a certificate was revoked"
	RevocationUnknown Reason = "pkinit: the list of revoked certificates is out of date"
	WrongPurpose      Reason = "pkinit: the certificate is not for this purpose"
	WrongPublic       Reason = "pkinit: the public value gives no secret"
	WrongParameters   Reason = "pkinit: Diffie-Hellman parameters that are not taken; use group 14 of RFC 3526 or the curve P-256"
)

// Error is the text.
func (r Reason) Error() string { return string(r) }
