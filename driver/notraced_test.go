//go:build !race

package driver

// raced says that the race detector slows the plane down, too much for rates that it must bear.
const raced = false
