package driver

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCutInPlace: packets of a merged one that are written with their headers over each other's payload are those that it stands for, also where
// a payload is shorter than the headers.
//
// spec MIP-10
func TestCutInPlace(t *testing.T) {
	payload := make([]byte, 3001)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	for _, segment := range []int{48, 100, 1000, 1428, 3000, 4000} {
		for _, tunnel := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d tunnel %v", segment, tunnel), func(t *testing.T) {
				p, start := merged(payload, tunnel)
				h := vnet{needsChecksum: true, kind: gsoTCPv6, segment: segment, start: start, offset: 16}
				want, err := unmerge(h, p, 0)
				must(t, err)
				f, err := framed(h, p, 0)
				must(t, err)
				pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK, 0)
				must(t, err)
				defer unix.Close(pair[0])
				defer unix.Close(pair[1])
				got := make([]byte, frameSize)
				if lost, err := (&tun{fd: pair[0]}).sendFrame(f, true); lost > 0 {
					t.Fatalf("%d were not written: %v", lost, err)
				}
				must(t, unix.Shutdown(pair[0], unix.SHUT_WR))
				for i, w := range want {
					n, err := read(pair[1], got)
					if err != nil || n < vnetLen || !bytes.Equal(got[:vnetLen], make([]byte, vnetLen)) || !bytes.Equal(got[vnetLen:n], w) {
						t.Fatalf("packet %d: %v\n%x\nwant\n%x", i, err, got[:n], w)
					}
				}
				if n, err := read(pair[1], got); n > 0 || err != nil {
					t.Errorf("more was written: %d octets, %v", n, err)
				}
			})
		}
	}
}
