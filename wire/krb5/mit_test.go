package krb5_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// recorded are the messages of testdata/mit.txt by name.
func recorded(t testing.TB) map[string][]byte {
	t.Helper()
	b, err := os.ReadFile("testdata/mit.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for line := range strings.Lines(string(b)) {
		name, digits, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || name == "#" {
			continue
		}
		if all[name], err = hex.DecodeString(digits); err != nil {
			t.Fatal(name, err)
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d messages", len(all))
	}
	return all
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// password is the key of one, as ETYPE-INFO2 says for it.
func password(t testing.TB, pw string, p krb5.Principal, etype int32, params []byte) keys.Key {
	t.Helper()
	return must(keys.StringToKey(keys.EType(etype), pw, p.Salt(), params))(t)
}

func keyOf(t testing.TB, k krb5.EncryptionKey) keys.Key {
	t.Helper()
	return must(keys.NewKey(keys.EType(k.EType), k.Value))(t)
}

func opened(t testing.TB, k keys.Key, u keys.Usage, e krb5.EncryptedData) []byte {
	t.Helper()
	if int32(k.EType()) != e.EType {
		t.Fatalf("a key of %v for etype %d", k.EType(), e.EType)
	}
	return must(k.Decrypt(nil, u, e.Cipher))(t)
}

func principal(t testing.TB, s string) krb5.Principal {
	t.Helper()
	return must(krb5.ParsePrincipal(s))(t)
}

// Every message of MIT Kerberos is read, and written again as it came: it is DER, and nothing was lost.
func TestMITMessages(t *testing.T) {
	for name, b := range recorded(t) { //order:any
		if strings.HasSuffix(name, ".keytab") {
			continue
		}
		m, err := krb5.Parse(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if q, ok := m.(*krb5.KDCReq); ok { // written anew, not copied
			q.Body = q.Body.Changed()
		}
		if got := m.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("%s\n%x\nis now\n%x", name, b, got)
		}
	}
}

// client is what a client of MIT Kerberos learnt: the session key of its TGT. MIT Kerberos sends EncTGSRepPart in an AS-REP, too.
func client(t testing.TB, all map[string][]byte, prefix, who, pw string) (*krb5.KDCRep, *krb5.EncKDCRepPart) {
	t.Helper()
	rep := must(krb5.ParseKDCRep(all[prefix+"as-rep"]))(t)
	p := principal(t, who)
	if !rep.Client.Equal(p) || rep.TGS {
		t.Fatalf("%sas-rep for %v", prefix, rep.Client)
	}
	data, ok := rep.PAData.Find(krb5.PAETypeInfo2)
	info := must(krb5.ParseETypeInfo2(data))(t)
	if !ok || len(info) != 1 || info[0].EType != rep.Enc.EType || info[0].HasSalt && info[0].Salt != p.Salt() {
		t.Fatalf("%+v", info)
	}
	k := password(t, pw, p, rep.Enc.EType, info[0].Params)
	part := must(krb5.ParseEncKDCRepPart(opened(t, k, keys.ASRepPart, rep.Enc)))(t)
	req := must(krb5.ParseKDCReq(all[prefix+"as-req"]))(t)
	if !part.TGS || part.Nonce != req.Body.Nonce || part.Server.Name.TGSRealm() != "HOME.EXAMPLE" || part.Flags&krb5.EncPARep == 0 || part.Times.End.IsZero() {
		t.Errorf("%+v", part)
	}
	if data, ok = part.PAData.Find(krb5.PAReqEncPARep); !ok {
		t.Error("no PA-REQ-ENC-PA-REP")
	}
	if sum := must(krb5.ParseChecksum(data))(t); !k.Verify(keys.ASReq, sum.Type, sum.Sum, all[prefix+"as-req"]) {
		t.Error("the checksum over the AS-REQ is wrong")
	}
	stamp, _ := req.PAData.Find(krb5.PAEncTimestamp)
	enc := must(krb5.ParseEncryptedData(stamp))(t)
	at := must(krb5.ParsePAEncTSEnc(opened(t, k, keys.PAEncTimestamp, enc)))(t)
	if d := part.Times.Auth.Sub(at.Time); d < -5e9 || d > 5e9 {
		t.Errorf("pre-authenticated at %v, ticket of %v", at.Time, part.Times.Auth)
	}
	return rep, part
}

func keyIn(t testing.TB, all map[string][]byte, name, who string, etype int32) keys.Key {
	t.Helper()
	list := must(krb5.ParseKeytab(all[name]))(t)
	e, ok := krb5.BestKey(list, principal(t, who), etype, 1)
	if !ok {
		t.Fatalf("no key in %s", name)
	}
	return keyOf(t, e.Key)
}

// The whole of a logon and of what follows, opened with the keys of each: AS, TGS, cross-realm, user-to-user.
func TestMITExchanges(t *testing.T) {
	all := recorded(t)
	wants := must(krb5.ParseKRBError(all["krb-error-preauth"]))(t)
	method := must(krb5.ParseMethodData(wants.Data))(t)
	if _, ok := method.Find(krb5.PAETypeInfo2); !ok || wants.Code != krb5.ErrPreauthRequired || wants.Client.Name.String() != "ann" {
		t.Errorf("%+v %+v", wants, method)
	}
	if e := must(krb5.ParseKRBError(all["krb-error-unknown"]))(t); e.Code != krb5.ErrCPrincipalUnknown || e.Code.String() != "KDC_ERR_C_PRINCIPAL_UNKNOWN" {
		t.Errorf("%+v", e)
	}
	rep, ann := client(t, all, "", "ann@HOME.EXAMPLE", "annpw")
	tgs := keyIn(t, all, "tgs.keytab", "krbtgt/HOME.EXAMPLE@HOME.EXAMPLE", rep.Ticket.Enc.EType)
	tgt := must(krb5.ParseEncTicketPart(opened(t, tgs, keys.TicketPart, rep.Ticket.Enc)))(t)
	if !keyOf(t, tgt.Key).Equal(keyOf(t, ann.Key)) || tgt.Client.String() != "ann@HOME.EXAMPLE" || tgt.Flags != ann.Flags || tgt.Times != ann.Times {
		t.Errorf("%+v", tgt)
	}
	for _, c := range []struct{ req, rep, server string }{
		{"tgs-req", "tgs-rep", "mobileip/ar1.home.example@HOME.EXAMPLE"}, {"cross-req", "cross-rep", "krbtgt/A.EXAMPLE@HOME.EXAMPLE"},
	} {
		part := tgsPart(t, all, c.req, c.rep, keyOf(t, ann.Key))
		if part.Server.String() != c.server {
			t.Errorf("%s: %v", c.rep, part.Server)
		}
	}
	_, bob := client(t, all, "sha1-", "bob@HOME.EXAMPLE", "bobpw")
	req := must(krb5.ParseKDCReq(all["u2u-req"]))(t)
	tgsPart(t, all, "u2u-req", "u2u-rep", keyOf(t, bob.Key))
	if req.Body.Options&krb5.OptEncTktInSkey == 0 || len(req.Body.Additional) != 1 || !bytes.Equal(req.Body.Additional[0].Append(nil), rep.Ticket.Append(nil)) {
		t.Errorf("%v, %d additional tickets", req.Body.Options, len(req.Body.Additional))
	}
	u2u := must(krb5.ParseKDCRep(all["u2u-rep"]))(t)
	inner := must(krb5.ParseEncTicketPart(opened(t, keyOf(t, ann.Key), keys.TicketPart, u2u.Ticket.Enc)))(t)
	if inner.Client.String() != "bob@HOME.EXAMPLE" || u2u.Ticket.Server.String() != "ann@HOME.EXAMPLE" {
		t.Errorf("%v for %v", inner.Client, u2u.Ticket.Server)
	}
}

// tgsPart checks a TGS exchange on both sides and gives what the client learnt.
func tgsPart(t testing.TB, all map[string][]byte, req, rep string, session keys.Key) *krb5.EncKDCRepPart {
	t.Helper()
	q := must(krb5.ParseKDCReq(all[req]))(t)
	data, _ := q.PAData.Find(krb5.PATGSReq)
	ap := must(krb5.ParseAPReq(data))(t)
	auth := must(krb5.ParseAuthenticator(opened(t, session, keys.TGSReqAuth, ap.Authenticator)))(t)
	if !session.Verify(keys.TGSReqChecksum, auth.Checksum.Type, auth.Checksum.Sum, q.Body.Octets()) {
		t.Errorf("%s: the checksum over the body is wrong", req)
	}
	p := must(krb5.ParseKDCRep(all[rep]))(t)
	k, u := session, keys.TGSRepPartSession
	if !auth.Subkey.IsZero() {
		k, u = keyOf(t, auth.Subkey), keys.TGSRepPartSubkey
	}
	if armored, ok := p.PAData.Find(krb5.PAFXFast); ok {
		k = fastTGS(t, q, p, data, armored, session, k)
	}
	part := must(krb5.ParseEncKDCRepPart(opened(t, k, u, p.Enc)))(t)
	if !part.TGS || part.Nonce != q.Body.Nonce {
		t.Errorf("%s: %+v", rep, part)
	}
	return part
}

// fastTGS opens the FAST of a TGS exchange, whose armor is the session key and the subkey (RFC 6113 §5.4.2), and gives the reply key.
func fastTGS(t testing.TB, q *krb5.KDCReq, p *krb5.KDCRep, apReq, armored []byte, session, subkey keys.Key) keys.Key {
	t.Helper()
	armor := keys.Combine(subkey, session, "subkeyarmor", "ticketarmor")
	data, _ := q.PAData.Find(krb5.PAFXFast)
	return fast(t, q, p, data, armored, armor, subkey, apReq)
}

// fast opens the FAST of an exchange and checks all its checksums; it gives the strengthened reply key.
func fast(t testing.TB, q *krb5.KDCReq, p *krb5.KDCRep, asked, answered []byte, armor, reply keys.Key, covered []byte) keys.Key {
	t.Helper()
	outer := must(krb5.ParseFASTArmorReq(asked))(t)
	if !bytes.Equal(outer.Append(nil), asked) {
		t.Error("PA-FX-FAST-REQUEST is not written as it came")
	}
	if !armor.Verify(keys.FASTReqChecksum, outer.Checksum.Type, outer.Checksum.Sum, covered) {
		t.Error("req-checksum is wrong")
	}
	inner := must(krb5.ParseFASTReq(opened(t, armor, keys.FASTEnc, outer.Enc)))(t)
	if q.Body.Nonce == 0 { // MIT Kerberos says nothing outside
		q.Body.Nonce = inner.Body.Nonce
	}
	enc := must(krb5.ParseFASTArmorRep(answered))(t)
	if !bytes.Equal(krb5.AppendFASTArmorRep(nil, enc), answered) {
		t.Error("PA-FX-FAST-REPLY is not written as it came")
	}
	plain := opened(t, armor, keys.FASTRep, enc)
	rep := must(krb5.ParseFASTRep(plain))(t)
	if !bytes.Equal(rep.Append(nil), plain) {
		t.Error("KrbFastResponse is not written as it came")
	}
	if rep.Nonce != q.Body.Nonce || rep.Finished == nil {
		t.Fatalf("%+v", rep)
	}
	if f := rep.Finished; !armor.Verify(keys.FASTFinished, f.Checksum.Type, f.Checksum.Sum, p.Ticket.Append(nil)) || !f.Client.Equal(p.Client) {
		t.Errorf("%+v", f)
	}
	return keys.Combine(keyOf(t, rep.Strengthen), reply, "strengthenkey", "replykey")
}

// FAST in an AS exchange: the armor is ann's TGT, the client carol, who answers with an encrypted challenge (RFC 6113 §5.4.6).
func TestMITFAST(t *testing.T) {
	all := recorded(t)
	_, ann := client(t, all, "", "ann@HOME.EXAMPLE", "annpw")
	q := must(krb5.ParseKDCReq(all["fast-as-req"]))(t)
	data, _ := q.PAData.Find(krb5.PAFXFast)
	outer := must(krb5.ParseFASTArmorReq(data))(t)
	ap := must(krb5.ParseAPReq(outer.Armor[0].Data))(t)
	auth := must(krb5.ParseAuthenticator(opened(t, keyOf(t, ann.Key), keys.APReqAuth, ap.Authenticator)))(t)
	armor := keys.Combine(keyOf(t, auth.Subkey), keyOf(t, ann.Key), "subkeyarmor", "ticketarmor")
	p := must(krb5.ParseKDCRep(all["fast-as-rep"]))(t)
	answered, _ := p.PAData.Find(krb5.PAFXFast)
	carol := password(t, "carolpw", principal(t, "carol@HOME.EXAMPLE"), p.Enc.EType, nil)
	reply := fast(t, q, p, data, answered, armor, carol, q.Body.Octets())
	part := must(krb5.ParseEncKDCRepPart(opened(t, reply, keys.ASRepPart, p.Enc)))(t)

	inner := must(krb5.ParseFASTReq(opened(t, armor, keys.FASTEnc, outer.Enc)))(t)
	challenge, _ := inner.PAData.Find(krb5.PAEncryptedChallenge)
	ck := keys.Combine(armor, carol, "clientchallengearmor", "challengelongterm")
	must(krb5.ParsePAEncTSEnc(opened(t, ck, keys.EncChallengeClient, must(krb5.ParseEncryptedData(challenge))(t))))(t)

	e := must(krb5.ParseKRBError(all["fast-error"]))(t)
	method := must(krb5.ParseMethodData(e.Data))(t)
	answered, _ = method.Find(krb5.PAFXFast)
	first := must(krb5.ParseKDCReq(all["fast-as-req-1"]))(t)
	data, _ = first.PAData.Find(krb5.PAFXFast)
	outer = must(krb5.ParseFASTArmorReq(data))(t)
	ap = must(krb5.ParseAPReq(outer.Armor[0].Data))(t)
	auth = must(krb5.ParseAuthenticator(opened(t, keyOf(t, ann.Key), keys.APReqAuth, ap.Authenticator)))(t)
	armor = keys.Combine(keyOf(t, auth.Subkey), keyOf(t, ann.Key), "subkeyarmor", "ticketarmor")
	rep := must(krb5.ParseFASTRep(opened(t, armor, keys.FASTRep, must(krb5.ParseFASTArmorRep(answered))(t))))(t)
	if inside, ok := rep.PAData.Find(krb5.PAFXError); !ok || must(krb5.ParseKRBError(inside))(t).Code != krb5.ErrPreauthRequired || rep.Finished != nil {
		t.Errorf("%+v", rep)
	}
	tgsPart(t, all, "fast-tgs-req", "fast-tgs-rep", keyOf(t, part.Key))
}

// PA-PK-AS-REQ and its reply, as far as they are not CMS.
func TestMITPKINIT(t *testing.T) {
	all := recorded(t)
	q := must(krb5.ParseKDCReq(all["pkinit-req"]))(t)
	data, _ := q.PAData.Find(krb5.PAPKASReq)
	pk := must(krb5.ParsePKASReq(data))(t)
	if !bytes.Equal(pk.Append(nil), data) {
		t.Error("PA-PK-AS-REQ is not written as it came")
	}
	at := bytes.Index(pk.Signed, []byte{6, 7, 0x2b, 6, 1, 5, 2, 3, 1, 0xa0}) // id-pkinit-authData, then [0] with an OCTET STRING
	signed := pk.Signed[at+9:]
	for range 2 { // both have lengths of two octets
		signed = signed[4:]
	}
	n := int(signed[2])<<8 | int(signed[3]) + 4
	pack := must(krb5.ParseAuthPack(signed[:n]))(t)
	if len(pack.Checksum) != 20 || len(pack.PublicValue) < 100 || len(pack.KDFs) == 0 || pack.Nonce == 0 || pack.Time.IsZero() {
		t.Errorf("%+v", pack)
	}
	p := must(krb5.ParseKDCRep(all["pkinit-rep"]))(t)
	data, _ = p.PAData.Find(krb5.PAPKASRep)
	rep := must(krb5.ParsePKASRep(data))(t)
	if !bytes.Equal(rep.Append(nil), data) || rep.KDF != 2 || len(rep.Signed) < 500 || !keys.KDF(rep.KDF).Known() {
		t.Errorf("function %d, %d octets", rep.KDF, len(rep.Signed))
	}
}

// AP-REQ and AP-REP of libkrb5, opened with the router's keytab.
func TestMITAPExchange(t *testing.T) {
	all := recorded(t)
	ap := must(krb5.ParseAPReq(all["ap-req"]))(t)
	if ap.Options != krb5.MutualRequired || ap.Ticket.Server.Name.Service() != krb5.MobileIPService {
		t.Errorf("%v, %v", ap.Options, ap.Ticket.Server)
	}
	k := keyIn(t, all, "ar1.keytab", ap.Ticket.Server.String(), ap.Ticket.Enc.EType)
	part := must(krb5.ParseEncTicketPart(opened(t, k, keys.TicketPart, ap.Ticket.Enc)))(t)
	session := keyOf(t, part.Key)
	auth := must(krb5.ParseAuthenticator(opened(t, session, keys.APReqAuth, ap.Authenticator)))(t)
	if auth.Client.String() != "ann@HOME.EXAMPLE" || !session.Verify(keys.APReqChecksum, auth.Checksum.Type, auth.Checksum.Sum, []byte("hello")) || auth.Seq == 0 {
		t.Errorf("%+v", auth)
	}
	rep := must(krb5.ParseAPRep(all["ap-rep"]))(t)
	plain := opened(t, session, keys.APRepPart, rep.Enc)
	if got := must(krb5.ParseEncAPRepPart(plain))(t); !got.Time.Equal(auth.Time) || !bytes.Equal(got.Append(nil), plain) {
		t.Errorf("%+v, asked at %v", got, auth.Time)
	}
}

// The keytabs of kadmin are read and written, and hold the keys of their passwords.
func TestMITKeytab(t *testing.T) {
	b := recorded(t)["ar1.keytab"]
	list := must(krb5.ParseKeytab(b))(t)
	if len(list) != 4 {
		t.Fatalf("%d entries", len(list))
	}
	for _, e := range list {
		if e.KVNO != 1 || !keyOf(t, e.Key).Equal(password(t, "ar1pw", e.Principal, e.Key.EType, nil)) {
			t.Errorf("%+v", e)
		}
	}
	if got := must(krb5.AppendKeytab(nil, list))(t); !bytes.Equal(got, b) {
		t.Errorf("%x is now %x", b, got)
	}
}

// RFC 8636 §8: the names are of type NT-PRINCIPAL there, that of the KDC as well.
func TestRFC8636(t *testing.T) {
	kdc := krb5.Principal{Name: krb5.Name{Type: krb5.NTPrincipal, Parts: []string{"krbtgt", "SU.SE"}}, Realm: "SU.SE"}
	for f, want := range map[keys.KDF]string{ //order:any
		keys.KDFSHA1: "e6ab38c9413e035bb079201ed0b6b73d8d49a814a737c04ee6649614206f73ad", keys.KDFSHA256: "77ef4e48c420ae3fec75109d7981697eed5d295c90c62564f7bfd101fa9bc1d5",
	} {
		other := krb5.KDFOtherInfo(int(f), principal(t, "lha@SU.SE"), kdc, 18, bytes.Repeat([]byte{0xaa}, 10), bytes.Repeat([]byte{0xbb}, 9))
		k := must(keys.PKINITKeyAgile(keys.AES256SHA1, f, make([]byte, 256), other))(t)
		if got := hex.EncodeToString(k.Octets()); got != want {
			t.Errorf("function %d: %s, want %s", f, got, want)
		}
	}
}
