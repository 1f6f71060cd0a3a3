// Package keying derives keys; the packages under it put them to use.
//
//	ah      the integrity check of the Authentication Header (RFC 4302)
//	esp     AES-GCM for ESP packets (RFC 4303, RFC 4106)
//	mip     authenticators of mobility messages (RFC 4285)
//	replay  the receive window of ESP and AH, a value that its receiver keeps
//
// All is pure: bytes in, bytes out. Nothing here draws randomness, keeps a counter or a clock, or prints a key.
package keying
