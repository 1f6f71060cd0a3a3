// Package mh is the Mobility Header of RFC 6275 §6.1: Binding Update and Acknowledgement, Refresh Request, Binding
// Error and the four messages of return routability, with the mobility options of RFC 6275 §6.2, the mobile node
// identifier of RFC 4283, the authentication and replay options of RFC 4285, the mobile router flags and the prefix option
// of RFC 3963, the binding identifier of RFC 5648, and the fast handovers of RFC 5568 §6.2: Fast Binding Update and
// Acknowledgement, Handover Initiate and Acknowledge with their options.
//
// Parse takes the payload behind Next Header 135 and the two addresses the checksum covers; Append writes one.
// Times are durations here and units of 4 seconds on the wire (seconds in fast handovers), rounded down. A message holds
// no slice of the packet it came from.
package mh
