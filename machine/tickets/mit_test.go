package tickets

import (
	"bufio"
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// recorded are messages of MIT Kerberos by name.
func recorded(t *testing.T) map[string][]byte {
	t.Helper()
	f, err := os.Open("../../wire/krb5/testdata/mit.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, s := map[string][]byte{}, bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if name, digits, ok := strings.Cut(s.Text(), " "); ok && name != "#" {
			all[name] = must(hex.DecodeString(digits))
		}
	}
	return all
}

// replay has a client take a recorded reply to the recorded request, as if it had sent that one.
func replay(d *desk, name string) (dropped []string) {
	all := recorded(d.t.(*testing.T))
	raw := all[name+"-req"]
	q := must(krb5.ParseKDCReq(raw))
	e := d.c.exchanges[0]
	e.nonce, e.request, e.body, e.server = q.Body.Nonce, raw, q.Body, krb5.Principal{Name: q.Body.Server, Realm: home}
	if q.TGS {
		data, _ := q.PAData.Find(krb5.PATGSReq)
		session := d.c.keyOf(e.tgt.Key)
		auth := must(krb5.ParseAuthenticator(must(session.Decrypt(nil, keys.TGSReqAuth, must(krb5.ParseAPReq(data)).Authenticator.Cipher))))
		e.subkey = strengthened(d, session, d.c.keyOf(auth.Subkey), all[name+"-rep"])
	}
	e.asked = []netip.AddrPort{addr[home]} // user-to-user requests are too long for a datagram
	d.sends = nil
	d.took(d.c.HeardFrom(d.now, addr[home], all[name+"-rep"], &d.out))
	return d.dropped()
}

// strengthened is the reply key of a TGS exchange under FAST, as the recorded ones are: RFC 6113 §5.4.2 and §5.4.3. The client asks without.
func strengthened(d *desk, session, subkey keys.Key, rep []byte) keys.Key {
	answered, ok := must(krb5.ParseKDCRep(rep)).PAData.Find(krb5.PAFXFast)
	if !ok {
		return subkey
	}
	armor := keys.Combine(subkey, session, "subkeyarmor", "ticketarmor")
	in := must(krb5.ParseFASTRep(must(armor.Decrypt(nil, keys.FASTRep, must(krb5.ParseFASTArmorRep(answered)).Cipher))))
	return keys.Combine(d.c.keyOf(in.Strengthen), subkey, "strengthenkey", "replykey")
}

// What MIT Kerberos answered is taken: logon, service, another realm, user-to-user.
func TestMITReplies(t *testing.T) {
	at := time.Date(2026, 11, 22, 16, 31, 40, 0, time.UTC)
	d := newDesk(t, func(c *Config) { c.Keys, c.Password = nil, "annpw" })
	d.now = engine.Now{Mono: 5, Wall: at}
	d.start()
	d.took(d.c.HeardFrom(d.now, addr[home], recorded(t)["krb-error-preauth"], &d.out))
	if len(d.sends) != 2 || !d.c.exchanges[0].pre.key.Valid() {
		t.Fatalf("%d requests: %q", len(d.sends), d.dropped())
	}
	if got := replay(d, "as"); len(got) > 0 || d.state(tgtHome).State != Ready {
		t.Fatalf("%q", got)
	}
	for _, c := range []struct{ name, server string }{{"tgs", "mobileip/ar1.home.example@HOME.EXAMPLE"}, {"cross", "krbtgt/A.EXAMPLE@HOME.EXAMPLE"}} {
		d.want(c.server)
		if got := replay(d, c.name); len(got) > 0 || d.state(c.server).State != Ready {
			t.Errorf("%s: %q %+v", c.name, got, d.state(c.server))
		}
	}
	tgt := d.c.Tickets(d.now)[0].Ticket
	bob := newDesk(t, func(c *Config) {
		c.Client.Name, c.Keys, c.Password = krb5.MakeName("bob"), nil, "bobpw"
	})
	bob.now = d.now
	bob.start()
	if got := replay(bob, "sha1-as"); len(got) > 0 {
		t.Fatalf("%q", got)
	}
	facts, _ := bob.c.UserToUser(bob.now, ann.Name, tgt, &bob.out)
	bob.took(facts)
	if got := replay(bob, "u2u"); len(got) > 0 {
		t.Fatalf("%q", got)
	}
	last := bob.last()
	if g, ok := last[len(last)-1].(Granted); !ok || !g.Ticket.Server.Equal(ann) {
		t.Errorf("%v", last)
	}
	if !slices.ContainsFunc(d.facts, func(f Fact) bool { _, ok := f.(Granted); return ok }) {
		t.Error("no ticket")
	}
}
