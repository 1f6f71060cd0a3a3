// Package tickets is the client of Kerberos V5: RFC 4120 §3.1 and §3.3. It logs on, fetches the tickets that its owner wants, and has each of them renewed
// before it ends, all in the background. Mobile nodes and access routers use it alike.
//
//	Start ── the client's own TGT     Want ── service, or the KDC of a realm     UserToUser ── once
//	  │                                 │                                          │
//	  ▼                                 ▼                                          ▼
//	logon.go (AS)                     grant.go (TGS): renewal, services, one realm after another
//	  └───────────────┬─────────────────┘
//	                exchange.go: which KDC, how often          verify.go: what a reply must be
//	                  │                                          ▲
//	                  │                                        heard.go: whose answer it is, what an error means
//	                  ▼                                          ▲
//	                Send ─▶ datagram, stream, token ─▶ HeardFrom, HeardStream, HeardToken, Lost
//
// A role carries octets: as a datagram or over a stream to a KDC, or as a token of IAKERB (draft-ietf-cat-iakerb-09 §5) to the access router, for a
// node that has no address worth routing (Through). Everything is asked for in its own exchange, several at a time; nobody waits for any.
//
// # What is believed
//
// A reply that opens with the key that only the KDC has, answers this request (nonce), and is for who asked and for what was asked. All else is a hint. A
// KRB-ERROR is one: it chooses the parameters of the next request; it says no, and for HintWait a reply may still say
// yes; its time is used for the next request to that KDC, which the KDC's reply then proves or does not. Only what replies prove
// sets a Clock. A password's iteration count has limits, since it is asked for before any proof.
//
// # Certificates
//
// With Config.PKINIT the client logs on by a certificate (pkinit.go, RFC 4556) and by nothing else. The KDC's certificate is held against the clock that the client
// has, never against a time that an error said.
//
// # Realms
//
// For a ticket in another realm the client asks its own KDC for krbtgt/THAT-REALM, and goes on with what it gets, which may be for a realm on the way
// (RFC 4120 §3.3.1). A realm that has been passed, or more than MaxHops, ends the walk. Which realms were passed stands in the ticket; whether they are
// trusted is for its server to judge.
//
// # Lightweight tickets
//
// With Config.Lightweight every request but those for user-to-user tickets carries PA-LWKRB (docs/lwkrb.md), and Ticket.Light is what came of it, for
// machine/lwkrb.
//
// # Not here
//
// FAST, SPAKE, freshness tokens (RFC 8070), postdated and forwarded tickets, and names that a KDC changes (canonicalization). Tickets do not survive a restart: the client logs on again.
package tickets
