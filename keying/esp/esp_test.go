package esp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Vectors of draft-mcgrew-gcm-test-01 that use extended sequence numbers. Plain text ends with the ESP trailer.
var vectors = []struct {
	key, salt    string
	spi          uint32
	seq, iv      uint64
	plain, crypt string
}{
	{"4c80cdefbb5d10da906ac73c3613a634", "2e443b68", 0x4321, 0x8765432100000000, 0x4956ed7e3b244cfe,
		"45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000" +
			"00000000045f736970045f756470037369700963796265726369747902646b000021000101020201",
		"fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34" +
			"cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732" +
			"459018148f6cbe722fd04796562dfdb4"},
	{"3de09874b388e6491988d0c3607eae1f", "57690e43", 0x42f67e3f, 0x1010101010101010, 0x4e280000a2fca1a3,
		"4500003c99c300008001cb7c40679318010101010800085c020043006162636465666768696a6b6c6d6e6f70" +
			"7172737475767761626364656667686901020201",
		"fba2caa4853cf9f0f22cb10d86dd83b0fec75691cf1a04b00d1138ec9c35791765acbd8701ad79845bf9fe3f" +
			"ba487bc91755e6662b4c8d0d1f5e22739530320ae0d731cc978ecafaeae88f00e80d6e48"},
	{"3de09874b388e6491988d0c3607eae1f", "57690e43", 0x42f67e3f, 0x1010101010101010, 0x4e280000a2fca1a3,
		"4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
		"fba2ca845e5df9f0f22c3e6e86dd831e1fc65792cd1af9130e1379ed369f071f35e034be95f112e4e7d05d35"},
	{"abbccddef00112233445566778899aab", "decaf888", 0x100, 1, 0xcafedebaceface74,
		"4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d500004e20001e8c18d75b81dc" +
			"91baa0476b91b924b280389d92c963bac046ec959b6266c04722b14923010101",
		"18a6fd42f72cbf4ab2a2ea901f73d814e3e7f243d95412e1c349c1d2fbec168f9190feebaf2cb01984e65863" +
			"965d7472b79da345e0e780191f0d2f0e0f496c226f2127b27db35724e7845d68651f57e65f354f75ff17015769623436"},
	{"abbccddef00112233445566778899aab", "decaf888", 0x100, 1, 0xcafedebaceface74,
		"746f016265016f72016e6f7401746f0162650001",
		"29c9fc69a197d038ccdd14e2ddfcaa0543332164412503524303ed3c6c5f283843af8c3e"},
	{"abbccddef00112233445566778899aababbccddef00112233445566778899aab", "73616c74", 0x17405e67, 0x156f3126dd0db99b,
		0x616e640169766563,
		"45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f646d540001",
		"f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57ff4d3a31ce673119e" +
			"451626c2415771e3b7eebca614c89b35"},
	{"abbccddef00112233445566778899aababbccddef00112233445566778899aab", "73616c74", 0x17405e67, 0x156f3126dd0db99b,
		0x616e640169766563,
		"636973636f0172756c657301746865016e6574776501646566696e6501746865746563686e6f6c6f67696573" +
			"017468617477696c6c01646566696e65746f6d6f72726f7701020201",
		"d4b7ed86a1777f2ea13d6973d324c69e7b43f826fb56831226508bebd2dceb18d0a6df10e5487df074113e14" +
			"c641024e3e6773d91a62ee429b043a10e3efe6b012a49363412364f8c0cac587f249e56b11e24f30e44ccc76"},
	{"6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961", "7475726e", 0x796b6963, 0xffffffffffffffff,
		0x333021696765746d,
		"45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f70" +
			"7172737401020201",
		"f97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a864cd3d78ca4ae68a32b42458f" +
			"b57dbe821dcc63b9d0937ba2945f669368661a329fb4c053"},
}

func TestVectors(t *testing.T) { //spec MIP-02
	for i, v := range vectors {
		k, err := NewKey(unhex(t, v.key+v.salt))
		if err != nil {
			t.Fatal(err)
		}
		plain := unhex(t, v.plain)
		payload := plain[:len(plain)-2-int(plain[len(plain)-2])]
		next := plain[len(plain)-1]
		want := append(unhex(t, fmt.Sprintf("%08x%08x%016x", v.spi, uint32(v.seq), v.iv)), unhex(t, v.crypt)...)
		if got := seal(nil, k, v.spi, v.seq, v.iv, next, payload); !bytes.Equal(got, want) {
			t.Errorf("vector %d sealed\n got %x\nwant %x", i, got, want)
		}
		gotNext, got, err := Open(want, k, v.seq)
		if err != nil || gotNext != next || !bytes.Equal(got, payload) {
			t.Errorf("vector %d opened: %d, %x, %v", i, gotNext, got, err)
		}
	}
}

func TestRoundTripOfEveryLength(t *testing.T) {
	k := key(t)
	for n := range 70 {
		payload := bytes.Repeat([]byte{0x5a}, n)
		p := Seal([]byte("head"), k, 0x1001, uint64(n)+1<<40, 135, payload)
		if string(p[:4]) != "head" || len(p)%4 != 0 || len(p) > 4+n+Overhead {
			t.Fatalf("payload of %d octets: %d octets sealed, head %q", n, len(p), p[:4])
		}
		next, got, err := Open(p[4:], k, uint64(n)+1<<40)
		if err != nil || next != 135 || !bytes.Equal(got, payload) {
			t.Fatalf("payload of %d octets: %d, %x, %v", n, next, got, err)
		}
	}
}

// IV is the sequence number: two packets under one key never share a nonce.
func TestIVIsTheSequenceNumber(t *testing.T) {
	p := Seal(nil, key(t), 1, 0x0102030405060708, 59, nil)
	if got := hex.EncodeToString(p[4:16]); got != "050607080102030405060708" {
		t.Errorf("Sequence Number and IV are %s", got)
	}
}

func TestOpenRefusesEveryAlteredBit(t *testing.T) {
	k := key(t)
	p := Seal(nil, k, 0x1001, 7, 135, []byte("binding update"))
	for i := range p {
		for bit := range 8 {
			bad := bytes.Clone(p)
			bad[i] ^= 1 << bit
			if _, _, err := Open(bad, k, 7); !errors.Is(err, ErrAuth) {
				t.Fatalf("octet %d bit %d altered: %v", i, bit, err)
			}
		}
	}
}

func TestOpenRefusesEveryCut(t *testing.T) {
	k := key(t)
	p := Seal(nil, k, 0x1001, 7, 135, []byte("binding update"))
	for n := range p {
		if _, _, err := Open(p[:n], k, 7); err == nil {
			t.Errorf("cut at %d: opened", n)
		}
	}
}

func TestOpenRefusesOtherHighHalf(t *testing.T) {
	k := key(t)
	p := Seal(nil, k, 0x1001, 7, 135, nil)
	for _, seq := range []uint64{6, 8, 7 + 1<<32} {
		if _, _, err := Open(p, k, seq); !errors.Is(err, ErrAuth) {
			t.Errorf("opened as %#x: %v", seq, err)
		}
	}
}

func TestOpenRefusesBadPadding(t *testing.T) {
	for _, clear := range []string{"", "00", "01020401", "00020201", "01010201", "0300ff3b"} {
		if _, _, err := untrail(unhex(t, clear)); !errors.Is(err, ErrPadding) {
			t.Errorf("trailer %q: %v", clear, err)
		}
	}
}

func TestNewKeySizes(t *testing.T) {
	for n := range 64 {
		_, err := NewKey(make([]byte, n))
		if (err == nil) != (n == 20 || n == 36) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
}

func TestKeyIsNeverPrinted(t *testing.T) {
	const secret = "0123456789abcdefSALT"
	k, err := NewKey([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	type private struct{ k Key }
	type public struct{ K Key }
	var all strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{k, &k, private{k}, &private{k}, public{k}, []Key{k}, map[string]Key{"k": k}} {
			fmt.Fprintf(&all, verb+"\n", v)
		}
	}
	j, err := json.Marshal(public{k})
	if err != nil || string(j) != `{"K":"[key]"}` {
		t.Errorf("JSON %s, %v", j, err)
	}
	for _, part := range []string{"0123", "SALT", hex.EncodeToString([]byte("0123")), "83 65 76 84", "0x53, 0x41"} {
		if strings.Contains(all.String(), part) {
			t.Errorf("%q appears in\n%s", part, all.String())
		}
	}
	if fmt.Sprint(k) != "[key]" || fmt.Sprintf("%#v", k) != "[key]" {
		t.Errorf("prints as %v, %#v", k, k)
	}
}

func FuzzOpen(f *testing.F) {
	k, _ := NewKey(make([]byte, 20))
	f.Add(Seal(nil, k, 0x1001, 1, 135, []byte("payload")), uint64(1))
	f.Add(Seal(nil, k, 0x1001, 1<<33, 41, nil), uint64(1<<33))
	f.Fuzz(func(t *testing.T, b []byte, seq uint64) {
		next, payload, err := Open(b, k, seq)
		if err != nil {
			return
		}
		spi := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		if again := seal(nil, k, spi, seq, uint64iv(b), next, payload); len(again) > len(b) {
			t.Errorf("opened %x, sealed again %x", b, again)
		}
	})
}

func uint64iv(b []byte) (iv uint64) {
	for _, x := range b[8:16] {
		iv = iv<<8 | uint64(x)
	}
	return iv
}

func BenchmarkSeal(b *testing.B) {
	for _, n := range []int{80, 1400} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			k, payload := benchKey(b), make([]byte, n)
			buf := make([]byte, 0, n+Overhead)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			seq := uint64(0)
			for b.Loop() {
				seq++
				buf = Seal(buf[:0], k, 1, seq, 135, payload)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{80, 1400} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			k := benchKey(b)
			p := Seal(nil, k, 1, 1, 135, make([]byte, n))
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Open(p, k, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchKey(b *testing.B) Key {
	k, err := NewKey(make([]byte, 20))
	if err != nil {
		b.Fatal(err)
	}
	return k
}

func key(t *testing.T) Key {
	t.Helper()
	k, err := NewKey(unhex(t, "4c80cdefbb5d10da906ac73c3613a6342e443b68"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
