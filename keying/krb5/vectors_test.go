package krb5

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func key(t testing.TB, e EType, s string) Key {
	t.Helper()
	k, err := NewKey(e, unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// RFC 3961 appendix A.1.
func TestNFold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"012345", "be072631276b1955"},
		{"password", "78a07b6caf85fa"},
		{"Rough Consensus, and Running Code", "bb6ed30870b7f0e0"},
		{"password", "59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e"},
		{"MASSACHVSETTS INSTITVTE OF TECHNOLOGY", "db3b0d8f0b061e603282b308a50841229ad798fab9540c1b"},
		{"Q", "518a54a2 15a8452a 518a54a2 15a8452a 518a54a2 15"},
		{"ba", "fb25d531 ae897449 9f52fd92 ea9857c4 ba24cf29 7e"},
		{"kerberos", "6b657262 65726f73"},
		{"kerberos", "6b657262 65726f73 7b9b5b2b 93132b93"},
		{"kerberos", "8372c236 344e5f15 50cd0747 e15d62ca 7a5a3bce a4"},
		{"kerberos", "6b657262 65726f73 7b9b5b2b 93132b93 5c9bdcda d95c9899 c4cae4de e6d6cae4"},
	} {
		want := unhex(t, c.want)
		got := make([]byte, len(want))
		if nfold(got, []byte(c.in)); !bytes.Equal(got, want) {
			t.Errorf("%d-fold(%q) = %x, want %x", 8*len(want), c.in, got, want)
		}
	}
}

// The fast fold is the slow one.
func TestFold128(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := [5]byte(rapid.SliceOfN(rapid.Byte(), 5, 5).Draw(t, "in"))
		var fast, slow [16]byte
		fold128(&fast, in)
		if nfold(slow[:], in[:]); fast != slow {
			t.Fatalf("%x: %x, want %x", in, fast, slow)
		}
	})
}

// RFC 3962 appendix B, ciphertext stealing.
func TestCTS(t *testing.T) {
	c := cipherOf(unhex(t, "636869636b656e207465726979616b69"))
	plain := []byte("I would like the General Gau's Chicken, please, and wonton soup.")
	for n, want := range map[int]string{ //order:any
		17: "c6353568f2bf8cb4d8a580362da7ff7f 97",
		31: "fc00783e0efdb2c1d445d4c8eff7ed22 97687268d6ecccc0c07b25e25ecfe5",
		32: "39312523a78662d5be7fcbcc98ebf5a8 97687268d6ecccc0c07b25e25ecfe584",
		47: "97687268d6ecccc0c07b25e25ecfe584 b3fffd940c16a18c1b5549d2f838029e 39312523a78662d5be7fcbcc98ebf5",
		48: "97687268d6ecccc0c07b25e25ecfe584 9dad8bbb96c4cdc03bc103e1a194bbd8 39312523a78662d5be7fcbcc98ebf5a8",
		64: "97687268d6ecccc0c07b25e25ecfe584 39312523a78662d5be7fcbcc98ebf5a8 4807efe836ee89a526730dbc2f7bc840 9dad8bbb96c4cdc03bc103e1a194bbd8",
	} {
		b := bytes.Clone(plain[:n])
		if encryptCTS(c, b); !bytes.Equal(b, unhex(t, want)) {
			t.Errorf("%d octets: %x, want %s", n, b, want)
		}
		if decryptCTS(c, b); !bytes.Equal(b, plain[:n]) {
			t.Errorf("%d octets: %q back", n, b)
		}
	}
	for n := blockLen; n < len(plain); n++ {
		b := bytes.Clone(plain[:n])
		encryptCTS(c, b)
		if decryptCTS(c, b); !bytes.Equal(b, plain[:n]) {
			t.Errorf("%d octets: %q back", n, b)
		}
	}
}

// RFC 3962 appendix B and RFC 8009 appendix A.
func TestStringToKey(t *testing.T) {
	sha2 := "\x10\xdf\x9d\xd7\x83\xe5\xbc\x8a\xce\xa1\x73\x0e\x74\x35\x5f\x61ATHENA.MIT.EDUraeburn"
	for _, c := range []struct {
		password, salt string
		n              uint32
		e              EType
		want           string
	}{
		{"password", "ATHENA.MIT.EDUraeburn", 1, AES128SHA1, "42263c6e89f4fc28b8df68ee09799f15"},
		{"password", "ATHENA.MIT.EDUraeburn", 1, AES256SHA1, "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161"},
		{"password", "ATHENA.MIT.EDUraeburn", 2, AES128SHA1, "c651bf29e2300ac27fa469d693bdda13"},
		{"password", "ATHENA.MIT.EDUraeburn", 2, AES256SHA1, "a2e16d16b36069c135d5e9d2e25f896102685618b95914b467c67622225824ff"},
		{"password", "ATHENA.MIT.EDUraeburn", 1200, AES128SHA1, "4c01cd46d632d01e6dbe230a01ed642a"},
		{"password", "ATHENA.MIT.EDUraeburn", 1200, AES256SHA1, "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a"},
		{"password", "\x12\x34\x56\x78\x78\x56\x34\x12", 5, AES128SHA1, "e9b23d52273747dd5c35cb55be619d8e"},
		{"password", "\x12\x34\x56\x78\x78\x56\x34\x12", 5, AES256SHA1, "97a4e786be20d81a382d5ebc96d5909cabcdadc87ca48f574504159f16c36e31"},
		{strings.Repeat("X", 64), "pass phrase equals block size", 1200, AES128SHA1, "59d1bb789a828b1aa54ef9c2883f69ed"},
		{strings.Repeat("X", 64), "pass phrase equals block size", 1200, AES256SHA1, "89adee3608db8bc71f1bfbfe459486b05618b70cbae22092534e56c553ba4b34"},
		{strings.Repeat("X", 65), "pass phrase exceeds block size", 1200, AES128SHA1, "cb8005dc5f90179a7f02104c0018751d"},
		{strings.Repeat("X", 65), "pass phrase exceeds block size", 1200, AES256SHA1, "d78c5c9cb872a8c9dad4697f0bb5b2d21496c82beb2caeda2112fceea057401b"},
		{"\xf0\x9d\x84\x9e", "EXAMPLE.COMpianist", 50, AES128SHA1, "f149c1f2e154a73452d43e7fe62a56e5"},
		{"\xf0\x9d\x84\x9e", "EXAMPLE.COMpianist", 50, AES256SHA1, "4b6d9839f84406df1f09cc166db4b83c571848b784a3d6bdc346589a3e393f9e"},
		{"password", sha2, 32768, AES128SHA256, "089BCA48B105EA6EA77CA5D2F39DC5E7"},
		{"password", sha2, 32768, AES256SHA384, "45BD806DBF6A833A9CFFC1C94589A222367A79BC21C413718906E9F578A78467"},
	} {
		params := binary.BigEndian.AppendUint32(nil, c.n)
		k, err := StringToKey(c.e, c.password, c.salt, params)
		if err != nil || !bytes.Equal(k.Octets(), unhex(t, c.want)) {
			t.Errorf("%v of %q, %q, %d: %x, %v, want %s", c.e, c.password, c.salt, c.n, k.Octets(), err, c.want)
		}
		if c.n == c.e.profile().rounds {
			d, err := StringToKey(c.e, c.password, c.salt, nil)
			if err != nil || !d.Equal(k) {
				t.Errorf("%v: %d rounds are not the default", c.e, c.n)
			}
		}
	}
}

const (
	base128 = "3705D96080C17728A0E800EAB6E0D23C"
	base256 = "6D404D37FAF79F9DF0D33568D320669800EB4836472EA8A026D16B7182460C52"
)

// RFC 8009 appendix A, key derivation.
func TestDerivedKeys(t *testing.T) {
	for _, c := range []struct {
		e          EType
		base       string
		kc, ke, ki string
	}{
		{AES128SHA256, base128, "B31A018A48F54776F403E9A396325DC3", "9B197DD1E8C5609D6E67C3E37C62C72E", "9FDA0E56AB2D85E1569A688696C26A6C"},
		{AES256SHA384, base256, "EF5718BE86CC84963D8BBB5031E9F5C4BA41F28FAF69E73D", "56AB22BEE63D82D7BC5227F6773F8EA7A5EB1C825160C38312980C442E5C7E49",
			"69B16514E3CD8E56B82010D5C73012B622C4D00FFC23ED1F"},
	} {
		x := key(t, c.e, c.base).k()
		for what, want := range map[byte]string{forChecksum: c.kc, forEncryption: c.ke, forIntegrity: c.ki} { //order:any
			w := unhex(t, want)
			if got := x.derive(make([]byte, len(w)), 2, what); !bytes.Equal(got, w) {
				t.Errorf("%v, %x: %x, want %x", c.e, what, got, w)
			}
		}
	}
}

// RFC 8009 appendix A, encryptions, checksums and PRF.
func TestRFC8009(t *testing.T) {
	long := unhex(t, "000102030405060708090A0B0C0D0E0F1011121314")
	for _, c := range []struct {
		e              EType
		base           string
		n              int
		conf, want     string
		checksum, prfs string
	}{
		{AES128SHA256, base128, 0, "7E5895EAF2672435BAD817F545A37148", "EF85FB890BB8472F4DAB20394DCA781DAD877EDA39D50C870C0D5A0A8E48C718", "", ""},
		{AES128SHA256, base128, 6, "7BCA285E2FD4130FB55B1A5C83BC5B24", "84D7F30754ED987BAB0BF3506BEB09CFB55402CEF7E6 877CE99E247E52D16ED4421DFDF8976C", "", ""},
		{AES128SHA256, base128, 16, "56AB21713FF62C0A1457200F6FA9948F",
			"3517D640F50DDC8AD3628722B3569D2AE07493FA8263254080EA65C1008E8FC2 95FB4852E7D83E1E7C48C37EEBE6B0D3", "", ""},
		{AES128SHA256, base128, 21, "A7A4E29A4728CE10664FB64E49AD3FAC",
			"720F73B18D9859CD6CCB4346115CD336C70F58EDC0C4437C5573544C31C813BCE1E6D072C1 86B39A413C2F92CA9B8334A287FFCBFC",
			"D78367186643D67B411CBA9139FC1DEE", "9D188616F63852FE86915BB840B4A886FF3E6BB0F819B49B893393D393854295"},
		{AES256SHA384, base256, 0, "F764E9FA15C276478B2C7D0C4E5F58E4", "41F53FA5BFE7026D91FAF9BE959195A0 58707273A96A40F0A01960621AC612748B9BBFBE7EB4CE3C", "", ""},
		{AES256SHA384, base256, 6, "B80D3251C1F6471494256FFE712D0B9A",
			"4ED7B37C2BCAC8F74F23C1CF07E62BC7B75FB3F637B9 F559C7F664F69EAB7B6092237526EA0D1F61CB20D69D10F2", "", ""},
		{AES256SHA384, base256, 16, "53BF8A0D105265D4E276428624CE5E63",
			"BC47FFEC7998EB91E8115CF8D19DAC4BBBE2E163E87DD37F49BECA92027764F6 8CF51F14D798C2273F35DF574D1F932E40C4FF255B36A266", "", ""},
		{AES256SHA384, base256, 21, "763E65367E864F02F55153C7E3B58AF1",
			"40013E2DF58E8751957D2878BCD2D6FE101CCFD556CB1EAE79DB3C3EE86429F2B2A602AC86 FEF6ECB647D6295FAE077A1FEB517508D2C16B4192E01F62",
			"45EE791567EEFCA37F4AC1E0222DE80D43C3BFA06699672A", "9801F69A368C2BF675E59521E177D9A07F67EFE1CFDE8D3C8D6F6A0256E3B17DB3C1B62AD1B8553360D17367EB1514D2"},
	} {
		k, want := key(t, c.e, c.base), unhex(t, c.want)
		if got := k.Encrypt(nil, 2, unhex(t, c.conf), long[:c.n]); !bytes.Equal(got, want) {
			t.Errorf("%v, %d octets: %x, want %x", c.e, c.n, got, want)
		}
		if got, err := k.Decrypt(nil, 2, want); err != nil || !bytes.Equal(got, long[:c.n]) {
			t.Errorf("%v, %d octets: %x, %v", c.e, c.n, got, err)
		}
		if c.checksum == "" {
			continue
		}
		if got := k.Checksum(nil, 2, long); !bytes.Equal(got, unhex(t, c.checksum)) {
			t.Errorf("%v: checksum %x", c.e, got)
		}
		if got := k.PRF([]byte("te"), []byte("st")); !bytes.Equal(got, unhex(t, c.prfs)) {
			t.Errorf("%v: PRF %x", c.e, got)
		}
	}
}

// RFC 6113 appendix A.
func TestCombine(t *testing.T) {
	for e, want := range map[EType]string{ //order:any
		AES128SHA1: "97df97e4b798b29eb31ed7280287a92a", AES256SHA1: "4d6ca4e629785c1f01baf55e2e548566b9617ae3a96868c337cb93b5e72b1c7b",
	} {
		a, err1 := StringToKey(e, "key1", "key1", nil)
		b, err2 := StringToKey(e, "key2", "key2", nil)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if got := Combine(a, b, "a", "b"); !bytes.Equal(got.Octets(), unhex(t, want)) {
			t.Errorf("%v: %x, want %s", e, got.Octets(), want)
		}
	}
}

// RFC 4556 appendix B.
func TestPKINITKey(t *testing.T) {
	count := make([]byte, 128)
	for i := range count {
		count[i] = byte(i % 17)
	}
	for _, c := range []struct {
		x    []byte
		want string
	}{
		{make([]byte, 256), "5ee50d675c809fe59e4a7762c54b658375 47eafb159bd8cdc75ffca5911e4c41"},
		{make([]byte, 128), "acf7707c08973ddfdb27cd361442ccfba355c8884cb472f37da636d07d56787e"},
		{count, "c442da585fcb80e43b47946f2540 93e37329d99001380db78371db3acf5c797e"},
		{count[:77], "0053953b84c896f4eb385c3f2e751c4a590ed6ffadca6ff64f47ebeb8d780ffc"},
	} {
		k, err := PKINITKey(AES256SHA1, c.x[:len(c.x)/3], c.x[len(c.x)/3:])
		if err != nil || !bytes.Equal(k.Octets(), unhex(t, c.want)) {
			t.Errorf("%x: %x, %v, want %s", c.x, k.Octets(), err, c.want)
		}
	}
}
