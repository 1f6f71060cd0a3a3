package ah

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"roam6/keying/replay"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// kernelEnv is set in the virtual machine (ci/vm), whose kernel has AH: the test takes addresses and IPsec policies of the machine.
const kernelEnv = "ROAM6_TEST_XFRM"

// kernel is Linux behind a TUN device, as the neighbour of the test.
type kernel struct {
	t        *testing.T
	fd       int
	us, them netip.Addr
}

func run(t *testing.T, command string, args ...string) {
	t.Helper()
	words := append(strings.Fields(command), args...)
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(words, " "), err, out)
	}
}

// newKernel makes the device and associations in both directions, with the key and SPI of the vectors; high is the high half of the numbers
// before, for extended ones.
func newKernel(t *testing.T, name string, extended bool, high int) *kernel {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	req, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		t.Fatal(err)
	}
	k := &kernel{t, fd, netip.MustParseAddr(fmt.Sprintf("2001:db8:7%d::2", high)), netip.MustParseAddr(fmt.Sprintf("2001:db8:7%d::1", high))}
	run(t, "ip link set "+name+" up")
	run(t, fmt.Sprintf("ip -6 addr add %v/64 dev %s nodad", k.them, name))
	run(t, fmt.Sprintf("ip -6 route replace %v dev %s", k.us, name))
	var material strings.Builder
	for i := range KeyLen {
		fmt.Fprintf(&material, "%02x", i)
	}
	for _, d := range []struct {
		src, dst netip.Addr
		dir      string
	}{{k.them, k.us, "out"}, {k.us, k.them, "in"}} {
		state := fmt.Sprintf("ip xfrm state add src %v dst %v proto ah spi 0x%x mode transport auth-trunc", d.src, d.dst, testSPI)
		args := []string{"hmac(sha256)", "0x" + material.String(), "128", "replay-window", "64"}
		if extended {
			args = append(args, "flag", "esn", "replay-seq-hi", fmt.Sprint(high), "replay-oseq-hi", fmt.Sprint(high), "replay-seq", "1", "replay-oseq", "1")
		}
		run(t, state, args...)
		policy := fmt.Sprintf("src %v dst %v dir %s", d.src, d.dst, d.dir)
		run(t, "ip xfrm policy add "+policy+" tmpl proto ah mode transport")
		t.Cleanup(func() {
			run(t, "ip xfrm policy delete "+policy)
			run(t, fmt.Sprintf("ip xfrm state delete src %v dst %v proto ah spi 0x%x", d.src, d.dst, testSPI))
		})
	}
	return k
}

// echo is an echo request to the kernel, with extension headers in front.
func (k *kernel) echo(id uint16, proto uint8, extensions ...byte) []byte {
	icmp := icmp6.Append(nil, k.us, k.them, &icmp6.Echo{ID: id, Seq: 1, Data: []byte("AH both ways")})
	p := ip6.Packet{Header: ip6.Header{Src: k.us, Dst: k.them, TrafficClass: 0xb8, FlowLabel: 0x12345}, Proto: proto, Payload: append(extensions, icmp...)}
	return p.Append(nil)
}

func (k *kernel) send(b []byte) {
	k.t.Helper()
	if _, err := unix.Write(k.fd, b); err != nil {
		k.t.Fatal(err)
	}
}

// answer waits for a packet to us, and gives nil when none came in time.
func (k *kernel) answer(wait time.Duration) []byte {
	k.t.Helper()
	b := make([]byte, 2048)
	for end := time.Now().Add(wait); time.Now().Before(end); {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(k.fd), Events: unix.POLLIN}}, int(time.Until(end)/time.Millisecond)+1); err != nil && !errors.Is(err, unix.EINTR) {
			k.t.Fatal(err)
		}
		n, err := unix.Read(k.fd, b)
		if err != nil {
			continue
		}
		if p, err := ip6.Parse(b[:n]); err == nil && p.Dst == k.us {
			return b[:n]
		}
	}
	return nil
}

// TestKernel: what is sealed here Linux takes, and what Linux seals is opened here. What it refuses we do not test by waiting long: a
// packet that is answered comes behind.
func TestKernel(t *testing.T) {
	if os.Getenv(kernelEnv) == "" {
		t.Skipf("takes the machine's IPsec policies; the virtual machine of ci/vm/run sets %s", kernelEnv)
	}
	for _, mode := range []struct {
		name     string
		extended bool
		high     int
	}{{"ahshort", false, 0}, {"ahlong", true, 3}} {
		t.Run(mode.name, func(t *testing.T) {
			k := newKernel(t, mode.name, mode.extended, mode.high)
			out := Outbound{testSPI, testKey(t), mode.extended}
			in := Inbound(out)
			seq, w := uint64(mode.high)<<32+1, replay.Restored(uint64(mode.high)<<32+1)
			if !mode.extended {
				seq, w = 0, replay.Window{}
			}
			for id, c := range []struct {
				name       string
				proto      uint8
				extensions []byte
			}{
				{"plain", ip6.ProtoICMPv6, nil},
				{"option that may change", ip6.ProtoDestOpts, []byte{ip6.ProtoICMPv6, 1, 0x3e, 4, 1, 2, 3, 4, 0x1e, 4, 5, 6, 7, 8, 0, 0}},
				{"hop-by-hop options", ip6.ProtoHopByHop, []byte{ip6.ProtoICMPv6, 1, 0x3e, 4, 1, 2, 3, 4, 0x1e, 4, 5, 6, 7, 8, 0, 0}},
			} {
				seq++
				plain := k.echo(uint16(id), c.proto, c.extensions...)
				sealed, err := out.Seal(plain, seq)
				if err != nil {
					t.Fatal(err)
				}
				forged := bytes.Clone(sealed)
				forged[len(forged)-1] ^= 1
				k.send(plain)
				k.send(forged)
				sealed[hopLimitAt]-- // as a router would
				for i := range c.extensions[min(4, len(c.extensions)):min(8, len(c.extensions))] {
					sealed[ipLen+4+i] = 0xff
				}
				k.send(sealed)
				got := k.answer(5 * time.Second)
				if got == nil {
					t.Fatalf("%s: Linux does not answer", c.name)
				}
				before := w.Top()
				inner, err := in.Open(got, &w)
				if err != nil {
					t.Fatalf("%s: %v\n%x", c.name, err, got)
				}
				p, err := ip6.Parse(inner)
				if err != nil {
					t.Fatal(err)
				}
				m, err := icmp6.Parse(p.Src, p.Dst, p.Payload)
				if e, ok := m.(*icmp6.Echo); err != nil || !ok || !e.Reply || e.ID != uint16(id) {
					t.Errorf("%s: %+v, %v", c.name, m, err)
				}
				if w.Top() != before+1 {
					t.Errorf("%s: number %d after %d: it answered what it should have refused", c.name, w.Top(), before)
				}
				t.Logf("testdata/kernel.json: number %d, extended %v, plain %x, sealed %x", seq, mode.extended, inner, got)
			}
			again, err := out.Seal(k.echo(9, ip6.ProtoICMPv6), seq)
			if err != nil {
				t.Fatal(err)
			}
			k.send(again)
			if got := k.answer(300 * time.Millisecond); got != nil {
				t.Errorf("a number twice: Linux answers %x", got)
			}
		})
	}
}
