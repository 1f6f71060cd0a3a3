package yard

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestTraffic: what the generator makes arrives, each packet once and in order, plain and through the kernel's tunnels both ways.
func TestTraffic(t *testing.T) {
	for _, how := range []string{"plain", "tunnels", "tunnels, up"} {
		t.Run(how, func(t *testing.T) {
			y, err := Home()
			if errors.Is(err, unix.EPERM) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer y.Close()
			if how == "plain" {
				err = y.PlainMobile()
			} else {
				err = errors.Join(y.KernelMobile(), y.KernelAgent())
			}
			if err != nil {
				t.Fatal(err)
			}
			var tr *Traffic
			if how == "tunnels, up" {
				if tr, err = y.Traffic("ha", "ha1", HoA, CN, 200, "cn", "cn0"); err == nil {
					err = tr.Tunnelled(CoA, HA)
				}
			} else {
				tr, err = y.Traffic("ha", "ha0", CN, HoA, 200, "mn", "mn0")
			}
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			if _, err := tr.Run(500*time.Millisecond, 10_000); err != nil {
				t.Fatal(err)
			}
			n, err := tr.Tally()
			if err != nil || n.Sent != 5000 || n.Received != n.Sent || n.Late > 0 || n.Wrong > 0 {
				t.Errorf("%+v, %v", n, err)
			}
		})
	}
}
