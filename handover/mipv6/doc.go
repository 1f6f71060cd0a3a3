// Package mipv6 is the baseline strategy: RFC 6275 as it stands. The node moves, notices it, forms an address, makes sure
// that it is unique, registers it with the home agent, and only then has its packets again.
//
//	link down ─▶ disconnected ─link up─▶ detecting ─RA─▶ configuring ─DAD─▶ registering ─BA─▶ bound
//
// Access routers take no part beyond advertising themselves (router.go says what that is).
package mipv6
