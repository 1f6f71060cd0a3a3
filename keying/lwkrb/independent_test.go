package lwkrb_test

// A second implementation of docs/lwkrb.md, for the vectors: written from that page, and sharing no code with this package or the codec.

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
)

type octetString = []byte

// hkdf32 is derive(): extract with a key of zeros, expand by one block.
func hkdf32(secret octetString, names ...string) octetString {
	sum := func(key octetString, data string) octetString {
		h := hmac.New(sha256.New, key)
		h.Write(octetString(data))
		return h.Sum(nil)
	}
	info := "roam6 v1"
	for _, n := range names {
		info += string(big.NewInt(int64(len(n))).FillBytes(make(octetString, 4))) + n
	}
	return sum(sum(make(octetString, 32), string(secret)), info+"\x01")
}

// mac2 is AES-256-CMAC, in numbers: the subkeys are L·2 and L·4 in GF(2^128).
func mac2(key, m octetString) octetString {
	block, _ := aes.NewCipher(key)
	l := make(octetString, 16)
	block.Encrypt(l, l)
	times := func(n *big.Int) *big.Int {
		n = new(big.Int).Lsh(n, 1)
		if n.Bit(128) == 1 {
			n.Xor(n.SetBit(n, 128, 0), big.NewInt(0x87))
		}
		return n
	}
	sub := times(new(big.Int).SetBytes(l))
	if len(m) == 0 || len(m)%16 != 0 {
		sub = times(sub)
		m = append(append(bytes.Clone(m), 0x80), make(octetString, 15-len(m)%16)...)
	}
	x := new(big.Int)
	for i := 0; i < len(m); i += 16 {
		x.Xor(x, new(big.Int).SetBytes(m[i:i+16]))
		if i+16 == len(m) {
			x.Xor(x, sub)
		}
		c := x.FillBytes(make(octetString, 16))
		block.Encrypt(c, c)
		x.SetBytes(c)
	}
	return x.FillBytes(make(octetString, 16))
}

func kdf2(key octetString, letter string, context octetString, n int) (out octetString) {
	for i := byte(1); len(out) < n; i++ {
		out = append(out, mac2(key, append(octetString{0, i, letter[0], 0}, context...))...)
	}
	return out[:n]
}

// unseal opens nonce, cipher text and tag.
func unseal(t *testing.T, what string, key, ad, sealed octetString) octetString {
	t.Helper()
	block, _ := aes.NewCipher(kdf2(key, "X", sealed[:12], 32))
	gcm, _ := cipher.NewGCM(block)
	plain, err := gcm.Open(nil, sealed[12:24], sealed[24:], ad)
	if err != nil {
		t.Fatalf("%s does not open", what)
	}
	return plain
}

type section map[string]string

func (s section) hex(name string) octetString {
	b, err := hex.DecodeString(s[name])
	if err != nil || len(b) == 0 {
		panic("no vector " + name)
	}
	return b
}

func sections(t *testing.T) map[string]section {
	text, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	all, now := map[string]section{}, section{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			now = section{}
			all[strings.Trim(line, "[]")] = now
		} else if name, value, ok := strings.Cut(line, " = "); ok {
			now[name] = strings.Trim(value, `"`)
		}
	}
	return all
}

func TestSecondImplementation(t *testing.T) { //spec FH-13 FH-14 FH-15 FH-16
	cut := func(b octetString, at int) (name, rest octetString) {
		return b[at+1 : at+1+int(b[at])], b[at+1+int(b[at]):]
	}
	for title, s := range sections(t) { //order:any
		same := func(name string, got octetString) octetString {
			t.Helper()
			if !bytes.Equal(got, s.hex(name)) {
				t.Fatalf("%s, %s: %x, want %s", title, name, got, s[name])
			}
			return got
		}
		long := func(prefix, label string) octetString { // ticket key and open key
			number := func(name string) int64 { n, _ := strconv.ParseInt(s[prefix+name], 10, 64); return n }
			version := big.NewInt(number(" version")).FillBytes(make(octetString, 4))
			return hkdf32(s.hex(prefix+" protocol key"), "lwkrb "+label+" "+string(rune(number(" encryption type")))+string(version), "", s[prefix+" principal"])
		}
		raw := s.hex("ap-req")
		sealer, rest := cut(raw, 8)
		n := int(rest[5])<<8 | int(rest[6])
		ticket, auth := rest[7:7+n], rest[7+n:]
		body := same("ticket body", unseal(t, "ticket", same("sealing ticket key", long("sealing", "ticket")), raw[8:len(raw)-len(rest)+5], ticket))
		client, _ := cut(body, 44)
		session := same("session key", hkdf32(s.hex("V5 session key"), "lwkrb session", string(client), string(sealer)))
		if !bytes.Equal(session, body[12:44]) || string(client) != s["client"] {
			t.Errorf("%s: session key or client are not those of the ticket", title)
		}
		opened := same("authenticator", unseal(t, "authenticator", session, raw[:len(raw)-len(auth)], auth))
		_, rest = cut(opened, 42)
		router, _ := cut(rest, 0)
		access := same("access key", kdf2(session, "D", append(bytes.Clone(auth[:24]), router...), 32))
		same("identity", kdf2(access, "I", nil, 16))
		for _, c := range []struct{ prefix, key string }{{"", "router"}, {"second ", "realm"}} {
			if s[c.prefix+"open-req"] == "" {
				continue
			}
			asked, answer := s.hex(c.prefix+"open-req"), s.hex(c.prefix+"open-rep")
			key := same(c.key+" open key", long(c.key, "open"))
			_, rest := cut(asked, 8)
			same(c.prefix+"open-req body", unseal(t, "open-req", key, asked[:len(asked)-len(rest)+5], rest[5:]))
			told := same(c.prefix+"open-rep body", unseal(t, "open-rep", kdf2(key, "Q", rest[5:29], 32), answer[:8], answer[8:]))
			if want := map[bool]octetString{true: access, false: kdf2(access, "E", nil, 32)}[told[0]|told[1] == 0]; !bytes.Equal(told[6:38], want) {
				t.Errorf("%s: the KDC tells %x, want %x", title, told[6:38], want)
			}
		}
		if s["ap-rep"] != "" {
			rep := s.hex("ap-rep")
			same("ap-rep body", unseal(t, "ap-rep", kdf2(access, "R", nil, 32), rep[:8], rep[8:]))
			for i, to := range []string{"to router", "to mobile node"} {
				same("AH "+to, kdf2(access, "H", append(octetString{byte(i + 1)}, rep[8:32]...), 32))
				same("ESP "+to, kdf2(access, "P", append(octetString{byte(i + 1)}, rep[8:32]...), 36))
			}
		}
		if s["error"] != "" {
			e := s.hex("error")
			same("error", append(e[:14:14], mac2(same("error key", kdf2(access, "E", nil, 32)), e[:14])...))
		}
	}
}
