// Package krb5 turns the messages of Kerberos 5 into values and back: RFC 4120 with the encrypted padata of RFC 6806 §11, the containers of
// FAST (RFC 6113 §5.4) and of PKINIT (RFC 4556, RFC 8636), the tokens of IAKERB in both its forms, keytabs, and what Appendix B §5 of
// draft-blair-rt-mobileipv6-seamoby-00 adds for mobile nodes.
//
//	octets ──Parse──▶ Message ── *KDCReq (AS-REQ, TGS-REQ), *KDCRep, *APReq, *APRep, *KRBError, *TicketPush
//	octets ──ParseEncTicketPart, ParseAuthenticator, ParseEncKDCRepPart …──▶ what was encrypted in them
//	octets ──ParseMethodData, ParseETypeInfo2, ParsePKASReq, ParseFASTReq …──▶ what stands in PA-DATA, KRB-ERROR and authorization data
//
// Each value appends itself as DER; that cannot fail. Reading demands definite and shortest lengths, as every known sender has them, and is
// mild otherwise: elements behind the last one known are passed over, an empty list is none, flags may be short, and numbers
// without sign may come as negative ones. Optional fields that are absent and empty ones are the same value, and are never written. Times are
// in seconds; what may be absent is then the zero Time, sequence number 0 or kvno 0, as MIT Kerberos has it.
//
// Octets in values lie in what was parsed and are not copied: who keeps a value keeps the message. Texts are copies. A Ticket that was read is
// written as it came, whatever it was made of: clients must not change what they cannot understand.
//
// Here nothing is encrypted or checked for authenticity: see keying/krb5. Keys never print.
package krb5
