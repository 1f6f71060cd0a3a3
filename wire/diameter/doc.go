// Package diameter is the message format of RFC 6733: the header (§3), attribute-value pairs (§4), what is wrong with a message
// and how its sender is told (§7), and the grammar of each command, from the dictionary in dictionary.txt.
//
// A Message and an AVP are views of octets somebody else holds: Parse, All, Find and Check copy nothing and allocate nothing, so that
// an agent relays at the speed it reads. Next cuts a stream into messages; Parse checks the frame of one, which is all an agent needs;
// Check holds it against the dictionary, which who answers it must. Builder writes messages into memory it uses again; SetHopByHop,
// AppendRoute and Relay are the edits of an agent.
//
// Not here: connections, peers, routing, watchdog (they are a machine's), and what the AVPs mean to an application.
package diameter
