//go:build !linux

package driver

// Lack is something a machine does not offer, and what that means.
type Lack struct{ Name, What, How string }

// Missing tells what this process lacks to run a node: Linux.
func Missing() []Lack {
	return []Lack{{"Linux", "a node", "use Linux, or the simulator: roam6 sim run"}}
}

// DropCapabilities does nothing: only Linux has them.
func DropCapabilities(packets, lowPorts bool) error { return nil }

// Held names nothing.
func Held() string { return "none" }
