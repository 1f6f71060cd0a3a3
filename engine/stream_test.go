package engine

import "testing"

// Both ends of a connection's making choose names without asking the other.
func TestConnNames(t *testing.T) {
	for c, want := range map[Conn]bool{1: true, 2: false, 3: true, 1<<64 - 1: true, 1<<64 - 2: false} { //order:any
		if got := c.Dialled(); got != want {
			t.Errorf("%d: dialled %v", c, got)
		}
	}
}
