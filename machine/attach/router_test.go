package attach

import (
	"testing"

	"roam6/plane"
)

func TestNextHop(t *testing.T) {
	hw := plane.HW{2, 1}
	for _, c := range []struct{ asks, link, want int }{{0, 1500, 1500}, {1400, 1500, 1400}, {1280, 1500, 1280}, {1279, 1500, 1500}, {9000, 1500, 1500}} {
		if got := (Router{HW: hw, MTU: c.asks}).NextHop(c.link); got != (plane.Link{Gateway: hw, MTU: c.want}) {
			t.Errorf("asks for %d on a link of %d: %v", c.asks, c.link, got)
		}
	}
}
