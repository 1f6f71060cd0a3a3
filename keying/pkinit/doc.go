// Package pkinit is what a logon with a certificate needs beside Kerberos (RFC 4556): signed messages (CMS, RFC 5652), certificates and lists of
// revoked ones (RFC 5280), and Diffie-Hellman over group 14 of RFC 3526 or the curve P-256 (RFC 5349).
//
//	cms.go            SignedData with one signer, read and written
//	identity.go       who signs: a key and its certificates
//	authorities.go    whom to believe, for what, and when
//	issuer.go         an authority, for simulated networks and tests
//	dh.go             the exchange, of drawn octets
//
// Nothing here reads a clock or draws: times and random octets are the caller's, and equal ones give equal results. What is
// inside the signed content and in the name of a certificate is wire/krb5's.
//
// Taken: signatures by RSA of 2048 to 8192 bits (PKCS #1 v1.5) and by ECDSA on P-256, P-384 and P-521, over SHA-256, SHA-384 or SHA-512. Not taken: SHA-1 and what
// is older, the signer who is named by nothing, content without signed attributes, more than one signer.
//
// Not here: enveloped data, so no exchange without Diffie-Hellman (RFC 4556 §3.2.3.2); OCSP; lists of revoked certificates that are signed by others than the
// issuer or say only part.
package pkinit
