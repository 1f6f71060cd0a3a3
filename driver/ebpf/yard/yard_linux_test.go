package yard

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTraffic(t *testing.T) {
	for _, how := range []string{"plain", "srv6"} {
		y, err := Home()
		if errors.Is(err, unix.EPERM) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if how == "plain" {
			err = y.PlainMobile()
		} else {
			err = errors.Join(y.KernelMobile(), y.KernelAgent())
		}
		if err != nil {
			t.Fatal(err)
		}
		tr, err := y.Traffic("ha", "ha0", CN, HoA, 200, "mn", "mn0")
		if err != nil {
			t.Fatal(err)
		}
		took, err := tr.Run(time.Second, 0)
		if err != nil {
			t.Fatal(err)
		}
		n, err := tr.Tally()
		t.Logf("%s %v %+v %.0f", how, took, n, float64(n.Received)/took.Seconds())
		tr.Close()
		y.Close()
	}
}
