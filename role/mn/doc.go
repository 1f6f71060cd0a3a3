// Package mn is the mobile node: what moves and stays reachable at its home address.
//
//	LinkUp/Down ─▶ access.go   one per link: router, care-of address, duplicate detection      (RFC 4861, 4862, 6275 §11.5)
//	facts       ─▶ strategy    which access to use, and when                                    (package handover)
//	wishes      ─▶ home.go     the binding with the home agent: asked for, refreshed, ended     (RFC 6275 §11.7.1, §11.8)
//	               ack.go      what the home agent answers                                      (RFC 6275 §11.7.3, §11.7.4)
//	               athome.go   coming home, being there, leaving                                (RFC 6275 §11.5.5)
//	               authenticate.go  being let into networks that ask who comes                 (draft-le-aaa-diameter-mobileipv6-04)
//	               trust.go    sending before that, where a router was told who comes           (RFC 5568)
//	               grant.go    home agent, home address and keys of the home network; identity.go: who the node is
//	               kerberos.go  logon and tickets, in the background                            (RFC 4120, draft-ietf-cat-iakerb-09)
//	               agents.go   finding the home agent: DHAAD                                    (RFC 6275 §11.4.1)
//	               fast.go     arriving where it was expected, tunnels from previous routers        (RFC 5568)
//	               prefix.go   mobile prefix discovery                                          (RFC 6275 §11.4.2, §11.4.3)
//	               network.go  networks behind a mobile router                                  (RFC 3963)
//	               several.go  several care-of addresses at once                                (RFC 5648)
//	               route.go    routes straight to correspondents: RFC 6275 §11.6; correspond.go: what these send, and §9
//
// node.go is the dispatcher: input kind, then message, then the part that owns the exchange. The node holds its addresses
// on the access links itself; the kernel has the home address only, on the TUN device.
//
// Who the node is may be known later than the node starts (identity): with a name and a key alone it has no home address, no
// path in the plane and nothing to register until the home network has said who it is.
//
// What always holds, and the property test checks after every input: packets of applications go by the tunnel exactly when
// the home agent acknowledged the address they leave by and its link works; directly only on the home link; in every
// other case they are held, in order and bounded.
package mn
