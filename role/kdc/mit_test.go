package kdc

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// recorded are messages of MIT Kerberos by name: wire/krb5/testdata/mit.txt says whose.
func recorded(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for line := range strings.Lines(string(must(os.ReadFile("../../wire/krb5/testdata/mit.txt")))) {
		if name, digits, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			all[name] = must(hex.DecodeString(digits))
		}
	}
	return all
}

// asMIT is a KDC with the principals and keys of that which was recorded, at the time of a reply.
func asMIT(t testing.TB, all map[string][]byte) (*world, *center) {
	w := newWorld(t)
	c := w.add(Config{Realm: "HOME.EXAMPLE"})
	for name, pw := range map[string]string{ //order:any
		ann: "annpw", "bob@HOME.EXAMPLE": "bobpw", ar1: "ar1pw", "krbtgt/A.EXAMPLE@HOME.EXAMPLE": "crosspw",
	} {
		p := must(principal.Fresh(name))
		for _, e := range keys.ETypes() {
			p.Add(principal.Key{Version: 1, EType: e, Octets: must(keys.StringToKey(e, pw, id(name).Salt(), nil)).Octets(), Salt: id(name).Salt()})
		}
		c.db[name] = p
	}
	own := must(principal.Fresh(home))
	for _, e := range must(krb5.ParseKeytab(all["tgs.keytab"])) {
		own.Add(principal.Key{Version: e.KVNO, EType: keys.EType(e.Key.EType), Octets: principal.Secret(e.Key.Value)})
	}
	c.db[home] = own
	return w, c
}

// at sets the clock.
func (w *world) at(when time.Time) { w.now.Wall = when }

// MIT Kerberos's requests are granted here as they were there: to the same client for the same server, with the same times and encryption types.
func TestMITRequests(t *testing.T) { //spec RT-30 RT-36
	all := recorded(t)
	w, c := asMIT(t, all)
	open := func(name string, k keys.Key, armor keys.Key, u keys.Usage) (*cred, *krb5.EncKDCRepPart) {
		t.Helper()
		theirs := must(krb5.ParseKDCRep(all[strings.TrimSuffix(name, "req")+"rep"]))
		was := must(krb5.ParseEncKDCRepPart(must(stronger(t, theirs.PAData, armor, k).Decrypt(nil, u, theirs.Enc.Cipher))))
		w.at(was.Times.Start)
		if was.Times.Start.IsZero() {
			w.at(was.Times.Auth)
		}
		answer := c.askTCP(all[name])
		if rep, err := krb5.ParseKDCRep(answer); err == nil {
			k = stronger(t, rep.PAData, armor, k)
		}
		got, e := w.read(all[name], answer, k, u)
		if e != nil {
			t.Fatalf("%s: %v %s", name, e.Code, e.Text)
		}
		if !got.EncKDCRepPart.Server.Equal(was.Server) || !got.rep.Client.Equal(theirs.Client) || got.Nonce != was.Nonce || got.Key.EType != was.Key.EType || got.rep.Enc.EType != theirs.Enc.EType {
			t.Errorf("%s: %v for %v, %+v\nwas %v for %v", name, got.EncKDCRepPart.Server, got.rep.Client, got, was.Server, theirs.Client)
		}
		if got.Times.End.After(was.Times.End.Add(time.Second)) || got.Times.End.Before(was.Times.Start.Add(DefaultLife-Skew)) && !got.Times.End.Equal(was.Times.End) {
			t.Errorf("%s: ends at %v, was %v", name, got.Times.End, was.Times.End)
		}
		return got, was
	}
	theirs := must(krb5.ParseKDCRep(all["as-rep"]))
	k := must(keys.StringToKey(keys.EType(theirs.Enc.EType), "annpw", id(ann).Salt(), nil))
	w.at(must(krb5.ParseEncKDCRepPart(must(k.Decrypt(nil, keys.ASRepPart, theirs.Enc.Cipher)))).Times.Auth)
	_, e := w.read(nil, c.askTCP(all["as-req-1"]), keys.Key{}, 0)
	if was := must(krb5.ParseKRBError(all["krb-error-preauth"])); e.Code != was.Code || !e.Client.Equal(was.Client) || !e.Server.Equal(was.Server) {
		t.Errorf("%+v\nwas %+v", e, was)
	}
	_, annTGT := open("as-req", k, keys.Key{}, keys.ASRepPart)
	theirs = must(krb5.ParseKDCRep(all["sha1-as-rep"]))
	_, bobTGT := open("sha1-as-req", must(keys.StringToKey(keys.EType(theirs.Enc.EType), "bobpw", id("bob@HOME.EXAMPLE").Salt(), nil)), keys.Key{}, keys.ASRepPart)
	for name, tgt := range map[string]*krb5.EncKDCRepPart{"tgs-req": annTGT, "cross-req": annTGT, "u2u-req": bobTGT} { //order:any
		session := must(keys.NewKey(keys.EType(tgt.Key.EType), tgt.Key.Value))
		data, _ := must(krb5.ParseKDCReq(all[name])).PAData.Find(krb5.PATGSReq)
		auth := must(krb5.ParseAuthenticator(must(session.Decrypt(nil, keys.TGSReqAuth, must(krb5.ParseAPReq(data)).Authenticator.Cipher))))
		sub := must(keys.NewKey(keys.EType(auth.Subkey.EType), auth.Subkey.Value))
		open(name, sub, keys.Combine(sub, session, "subkeyarmor", "ticketarmor"), keys.TGSRepPartSubkey)
	}
}

// stronger is the key of a reply that came in an armor: made of the one it replaces; the same without armor.
func stronger(t *testing.T, list krb5.List, armor, k keys.Key) keys.Key {
	t.Helper()
	if _, ok := list.Find(krb5.PAFXFast); !ok || !armor.Valid() {
		return k
	}
	in := fastRep(t, list, armor)
	return keys.Combine(must(keys.NewKey(keys.EType(in.Strengthen.EType), in.Strengthen.Value)), k, "strengthenkey", "replykey")
}

// FuzzMessage: whatever comes, over UDP or a connection, nothing panics, an answer is no larger than a datagram may be, and nothing stays.
func FuzzMessage(f *testing.F) {
	all := recorded(f)
	for name, b := range all { //order:any
		if strings.HasSuffix(name, "req") {
			f.Add(b)
		}
	}
	w, c := atHome(f)
	m := w.mobile(c.logon(ann, lightly), ann)
	raw, _ := w.apReq(m, ar1)
	f.Add(w.openReq(ar1, raw))
	f.Add(w.tgsReq(c.logon(ann), id(ann), host, lightly))
	f.Add(c.asReq(ann, 20, lightly))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, c := atHome(t)
		if a := c.ask(b); len(a) > MaxDatagram {
			t.Errorf("%d octets in one datagram", len(a))
		}
		if len(c.tasks)+len(c.working)+len(c.lookups) != 0 {
			t.Error("something is left")
		}
	})
}
