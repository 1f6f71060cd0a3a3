package gate

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkMeasure reads meters of ten thousand; BenchmarkOpen lets a source in and out again, beside ten thousand.
func BenchmarkMeasure(b *testing.B) {
	g := thousands(b)
	for _, n := range []int{1, 16, 100, 1000, 10_000} {
		list := make([]Meter, n)
		for i := range list {
			list[i] = Meter{Ifname: "eth0", Addr: source(i)}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if err := g.Measure(list); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	g := thousands(b)
	at := netip.PrefixFrom(source(20_000), 128)
	for b.Loop() {
		if g.Set("eth0", at, true, nil) != nil || g.Delete("eth0", at, nil) != nil {
			b.Fatal("refused")
		}
	}
}

// thousands are ten thousand sources let in by a closed gate, and metered.
func thousands(b *testing.B) *Gates {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		b.Skip("needs CAP_SYS_ADMIN: ", err)
	}
	g := Open("roam6-x")
	b.Cleanup(func() { g.Close() })
	err := g.Set("eth0", prefix("::/0"), false, nil)
	for i := 0; i < 10_000 && err == nil; i++ {
		if err = g.Set("eth0", netip.PrefixFrom(source(i), 128), true, nil); err == nil {
			err = g.SetMeter("eth0", source(i), nil)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return g
}
