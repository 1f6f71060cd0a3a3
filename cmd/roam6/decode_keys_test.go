package main

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"roam6/keying/esp"
	"roam6/wire/ip6"
)

// The keys of the configurations below, 20 octets each.
const (
	upKey   = "bdc9f19f5ca2f1f75178175d6f253447441dcfb0"
	downKey = "0043b9a618160e715a6c28749376614c107dfbba"
	oldKey  = "00112233445566778899aabbccddeeff00112233"
)

// keyFiles writes the configurations of both ends, one with an older key and one without ESP, and gives their directory.
func keyFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	mn := func(security string) string {
		return "name: mn\nlinks: [{name: wlan0, port: 1}]\nroles:\n  - mn:\n      home_address: 2001:db8:1::5\n      home_prefix: 2001:db8:1::/64\n" +
			"      security: " + security + "\n"
	}
	for name, text := range map[string]string{ //order:any
		"mn.yaml":  mn(`{esp: {out_spi: 0x1001, in_spi: 0x1002, out_key: "` + upKey + `", in_key: "` + downKey + `"}}`),
		"old.yaml": mn(`{esp: {out_spi: 0x1001, in_spi: 0x1002, out_key: "` + oldKey + `", in_key: "` + downKey + `"}}`),
		"ha.yaml": "name: ha\nroles:\n  - ha:\n      address: 2001:db8:1::1\n      prefix: 2001:db8:1::/64\n      mobiles:\n" +
			"        - {home_address: 2001:db8:1::7, security: {esp: {out_spi: 0x1002, in_spi: 0x1003, out_key: \"" + oldKey + "\", in_key: \"" + oldKey[2:] + "ff\"}}}\n" +
			"        - {home_address: 2001:db8:1::5, security: {esp: {out_spi: 0x1002, in_spi: 0x1001, out_key: \"" + downKey + "\", in_key: \"" + upKey + "\"}}}\n",
		"auth.yaml":   mn(`{auth: {spi: 256, key: "` + upKey + `"}}`),
		"broken.yaml": mn(`{esp: {out_spi: 0x1001, in_spi: 0x1002, out_key: "` + upKey + `00", in_key: "` + downKey + `"}}`),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sealed is the Binding Update of decodeSamples in ESP, with an extended sequence number.
func sealed(t *testing.T, seq uint64) []byte {
	t.Helper()
	bu, _ := decodeSamples()
	p, err := ip6.Parse(bu)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := hex.DecodeString(upKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := esp.NewKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	p.Payload, p.Proto = esp.Seal(nil, key, 0x1001, seq, p.Proto, p.Payload), ip6.ProtoESP
	return p.Append(nil)
}

func TestDecodeOpensESP(t *testing.T) {
	dir := keyFiles(t)
	file := capture(t, layers.LinkTypeRaw, sealed(t, 7), sealed(t, 5<<32|8)) // the second after 2^32 packets
	for _, end := range []string{"mn.yaml", "ha.yaml"} {
		out, err := runDecode(t, file, "-", "--keys", filepath.Join(dir, end), "--only", "mh", "--summary", "--check")
		if err != nil || strings.Count(out, "opened | Binding Update seq 7 AH lifetime 6m40s care-of 2001:db8:2::5") != 2 {
			t.Errorf("%s: %v\n%s", end, err, out)
		}
	}
	out, err := runDecode(t, file, "-", "--keys", filepath.Join(dir, "mn.yaml"))
	if err != nil || !strings.Contains(out, "opened: from 2001:db8:1::5 to its home agent") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestDecodeDoesNotOpenESP(t *testing.T) {
	dir := keyFiles(t)
	good := sealed(t, 7)
	altered := bytes.Clone(good)
	altered[len(altered)-20] ^= 1
	other := bytes.Clone(good)
	other[67] = 9 // the SPI is 0x1009
	for _, c := range []struct {
		name, keys string
		packet     []byte
		want       string
		status     int
	}{
		{"altered", "mn.yaml", altered, "!! encrypted: not opened: esp: integrity check failed", exitFailed},
		{"another key", "old.yaml", good, "!! encrypted: not opened: esp: integrity check failed", exitFailed},
		{"another SPI", "mn.yaml", other, "not opened: no key for this SPI", -1},
	} {
		out, err := runDecode(t, capture(t, layers.LinkTypeRaw, c.packet), "-", "--keys", filepath.Join(dir, c.keys), "--summary", "--check")
		if statusOf(err) != c.status || !strings.Contains(out, c.want) || strings.Contains(out, "Binding Update") {
			t.Errorf("%s: %v\n%s", c.name, err, out)
		}
	}
}

// The keys of a built-in scenario come from its seed, and every mobile node has its own.
func TestDecodeKeysOfAScenario(t *testing.T) {
	keys, err := readKeys([]string{"pingpong"}, 1)
	if err != nil || len(keys[0x1001]) == 0 || len(keys[0x1001+2*9]) == 0 {
		t.Fatalf("%v, %d SPIs", err, len(keys))
	}
	other, err := readKeys([]string{"pingpong"}, 2)
	if err != nil {
		t.Fatal(err)
	}
	b := esp.Seal(nil, keys[0x1001][0].key, 0x1001, 3, ip6.ProtoMH, []byte("12345678"))
	if o, err := keys.open(b); err != nil || string(o.Payload) != "12345678" || o.Next != ip6.ProtoMH {
		t.Errorf("%v, %v", o, err)
	}
	if _, err := other.open(b); err == nil {
		t.Error("another seed has the same keys")
	}
}

func TestDecodeKeysErrors(t *testing.T) {
	dir := keyFiles(t)
	for _, c := range []struct{ keys, want string }{
		{"auth.yaml", "no ESP key is in it"},
		{"broken.yaml", "broken.yaml:7: roles[0].mn.security.esp.out_key"},
		{"none.yaml", "no such file"},
	} {
		_, err := runDecode(t, sealed(t, 1), "-", "--keys", filepath.Join(dir, c.keys))
		if statusOf(err) != exitUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.keys, err)
		}
	}
	if _, err := runDecode(t, nil, "--hex", "60", "--keys", "nobody"); statusOf(err) != exitUsage || !strings.Contains(err.Error(), "commute") {
		t.Errorf("a scenario that does not exist: %v", err)
	}
}

// Neither what is opened, nor what is not, nor an error shows a key.
func TestDecodePrintsNoKey(t *testing.T) {
	dir := keyFiles(t)
	file := capture(t, layers.LinkTypeRaw, sealed(t, 7))
	for _, name := range []string{"mn.yaml", "ha.yaml", "old.yaml", "auth.yaml", "broken.yaml"} {
		for _, form := range []string{"--summary", "--json", "--check"} {
			out, err := runDecode(t, file, "-", "--keys", filepath.Join(dir, name), form)
			if err != nil {
				out += err.Error()
			}
			for _, key := range []string{upKey, downKey, oldKey} {
				for _, part := range []string{key[:12], strings.ToUpper(key[:12]), key[len(key)-8:]} {
					if strings.Contains(out, part) {
						t.Errorf("%s %s shows %s…: %s", name, form, part[:4], out)
					}
				}
			}
		}
	}
}
