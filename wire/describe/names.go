package describe

import "fmt"

// protocol names a Next Header value, IANA protocol numbers.
func protocol(p uint8) string {
	switch p {
	case 0:
		return "Hop-by-Hop Options"
	case 4:
		return "IPv4"
	case 6:
		return "TCP"
	case 17:
		return "UDP"
	case 41:
		return "IPv6"
	case 43:
		return "Routing"
	case 44:
		return "Fragment"
	case 46:
		return "RSVP"
	case 50:
		return "ESP"
	case 51:
		return "AH"
	case 58:
		return "ICMPv6"
	case 59:
		return "No Next Header"
	case 60:
		return "Destination Options"
	case 135:
		return "Mobility Header"
	}
	return ""
}

// or gives the name of a number, or the number with a word before it.
func or(name, word string, n uint8) string {
	if name != "" {
		return name
	}
	return fmt.Sprintf("%s %d", word, n)
}
