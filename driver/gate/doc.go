// Package gate carries a table's gates and meters to a kernel that forwards between its links by itself, past the plane (decisions 16
// and 19), by nf_tables:
//
//	table ip6 roam6-TUN {                        this node's alone, and gone when it is
//	  counter gate
//	  chain closed { counter "gate"; drop }
//	  set own { the engines' addresses }
//	  map from128 { IF . ADDRESS : accept }      one for each prefix length
//	  map from64 { IF . PREFIX : jump closed }
//	  chain forward { hook forward
//	    l4proto not ipv6, to @own: accept        what a source needs to authenticate itself, but no tunnels
//	    IF . source/128 vmap @from128            the longest prefix first
//	    IF . source/64 vmap @from64
//	  }
//	  set up, set down { IF . ADDRESS counter }
//	  chain count { hook forward, the last
//	    l4proto not ipv6, to @own or from it: accept
//	    IF . source @up                          in by IF
//	    IF . destination @down                   out by IF
//	  }
//	}
//
// Maps, and what counts, are there while they are needed. A table that is filled in several batches is closed first, and opened then.
// Each change is one batch, which the kernel carries out whole or not at all. What the kernel keeps for itself is not sent on, and no
// gate's affair.
package gate
