// Package peers is a Diameter node among others: RFC 6733 with the watchdog of RFC 3539.
package peers
