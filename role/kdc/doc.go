// Package kdc is the KDC of a realm: Kerberos V5 (RFC 4120), the lightweight tickets beside it and the opening of them for access routers
// (docs/lwkrb.md). Subscribers and services are principals of the database.
//
//	client ──AS-REQ──▶ kdc ──look-up──▶ database          as.go, preauth.go: logon; fast.go: in armor (RFC 6113), TGS-REQs too
//	       ◀──AS-REP──     ◀───────────                    task.go, cache.go: look-ups; limits.go, replay.go, conn.go
//	client ──TGS-REQ─▶ kdc                                  tgs.go, tgsgrant.go; renew.go, user2user.go, crossrealm.go
//	       ◀─TGS-REP──                                      issue.go: the ticket; lightweight.go: PA-LWKRB, AD-MOBILEIP-ATTRIBUTES
//	router ──open-req─▶ kdc ──open-req─▶ kdc of …          open.go: here; forward.go: elsewhere
//	       ◀─open-rep──     ◀─open-rep──
//
// A request is a task: what is in clear is read, the principals in it are looked up (many tasks share a look-up, principals are remembered for
// MaxAccountAge), then it is decided at once, or after a second look-up when the first opened a ticket. Refusals are KRB-ERRORs, which are never larger than
// some hundred octets, and change nothing but a count. Rates are counted before anything is parsed.
//
// An authenticator that earned a ticket is remembered, durably before the answer. A request that comes again octet by octet gets the same answer
// again for AnswerTime; later, or after a restart, it is a replay.
//
// What is not granted: postdated tickets; encryption types other than 17 to 20; tickets by way of a realm that Config does not let others
// come through, also to who says it checks itself; anything to the disabled, or to who does not say who it is (anonymous.go). Pre-authentication is by a time under the client's key, in armor or
// without, or by a certificate (pkinit.go, RFC 4556); a subscriber may have two keys, that of its mobile node and a password.
package kdc
