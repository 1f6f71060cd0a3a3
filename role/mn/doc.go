// Package mn is the mobile node: what moves and stays reachable at its home address.
//
//	LinkUp/Down ─▶ access.go   one per link: router, care-of address, duplicate detection      (RFC 4861, 4862, 6275 §11.5)
//	facts       ─▶ strategy    which access to use, and when                                    (package handover)
//	wishes      ─▶ home.go     the binding with the home agent                                  (RFC 6275 §11.7)
//	               agents.go   finding the home agent: DHAAD                                    (RFC 6275 §11.4.1)
//	               prefix.go   mobile prefix discovery                                          (RFC 6275 §11.4.2, §11.4.3)
//
// node.go is the dispatcher: input kind, then message, then the part that owns the exchange. The node holds its addresses
// on the access links itself; the kernel has the home address only, on the TUN device.
package mn
