package krb5_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// theirs is a message of a second implementation.
type theirs interface {
	Unmarshal([]byte) error
	Marshal() ([]byte, error)
}

// What MIT Kerberos said, gokrb5 reads and writes as we do.
func TestGokrb5Messages(t *testing.T) {
	all := recorded(t)
	for name, m := range map[string]theirs{ //order:any
		"as-req": &messages.ASReq{}, "tgs-req": &messages.TGSReq{}, "u2u-req": &messages.TGSReq{}, "as-rep": &messages.ASRep{}, "tgs-rep": &messages.TGSRep{}, "ap-req": &messages.APReq{},
		"fast-as-req": &messages.ASReq{}, "pkinit-req": &messages.ASReq{},
	} {
		ours, err := krb5.Parse(all[name])
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Unmarshal(ours.Append(nil)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b, err := m.Marshal()
		if err != nil || !bytes.Equal(b, all[name]) {
			t.Errorf("%s: %v\n%x\nis now\n%x", name, err, all[name], b)
		}
	}
}

// service is a keytab of the second implementation, and the same key here.
func service(t testing.TB, etype int32) (*keytab.Keytab, keys.Key, krb5.Principal) {
	t.Helper()
	p := principal(t, "mobileip/ar1.a.example@A.EXAMPLE")
	k := password(t, "ar1pw", p, etype, nil)
	b := must(krb5.AppendKeytab(nil, []krb5.KeytabEntry{{Principal: p, Time: time.Unix(1e9, 0), KVNO: 3, Key: krb5.EncryptionKey{EType: etype, Value: k.Octets()}}}))(t)
	kt := keytab.New()
	if err := kt.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	return kt, k, p
}

// apReq is an AP-REQ of ann for a service, as our KDC and client make it.
func apReq(t testing.TB, k keys.Key, p krb5.Principal, now time.Time) []byte {
	t.Helper()
	ann := principal(t, "ann@HOME.EXAMPLE")
	octets := bytes.Repeat([]byte{5}, k.EType().KeyLen())
	session := must(keys.NewKey(k.EType(), octets))(t)
	etype, confounder := int32(k.EType()), bytes.Repeat([]byte{1}, keys.ConfounderLen)
	part := krb5.EncTicketPart{Flags: krb5.Forwardable | krb5.PreAuthent, Key: krb5.EncryptionKey{EType: etype, Value: octets}, Client: ann,
		Transited: krb5.Transited{}.With("B.EXAMPLE"), Times: krb5.Times{Auth: now, Start: now, End: now.Add(time.Hour)}}
	auth := krb5.Authenticator{Client: ann, Time: now, Seq: 7, Subkey: krb5.EncryptionKey{EType: etype, Value: octets}}
	return krb5.APReq{Options: krb5.MutualRequired,
		Ticket:        krb5.Ticket{Server: p, Enc: krb5.EncryptedData{EType: etype, KVNO: 3, Cipher: k.Encrypt(nil, keys.TicketPart, confounder, part.Append(nil))}},
		Authenticator: krb5.EncryptedData{EType: etype, Cipher: session.Encrypt(nil, keys.APReqAuth, confounder, auth.Append(nil))},
	}.Append(nil)
}

// gokrb5 takes our tickets and authenticators, and we take its.
func TestGokrb5APReq(t *testing.T) {
	for _, e := range keys.ETypes() {
		kt, k, p := service(t, int32(e))
		now := time.Now()
		var m messages.APReq
		if err := m.Unmarshal(apReq(t, k, p, now)); err != nil {
			t.Fatal(err)
		}
		if ok, err := m.Verify(kt, 5*time.Minute, types.HostAddress{}, nil); !ok || err != nil {
			t.Errorf("%v: %v, %v", e, ok, err)
		}
		if a := m.Authenticator; a.SeqNumber != 7 || a.CName.PrincipalNameString() != "ann" || m.Ticket.DecryptedEncPart.CRealm != "HOME.EXAMPLE" {
			t.Errorf("%v: %+v", e, a)
		}
		if e == keys.AES256SHA384 {
			continue // for which gokrb5 makes session keys of 24 octets
		}
		cname, sname := types.NewPrincipalName(1, "ann"), types.NewPrincipalName(2, "mobileip/ar1.a.example")
		tkt, sk, err := messages.NewTicket(cname, "HOME.EXAMPLE", sname, "A.EXAMPLE", asn1.BitString{Bytes: []byte{0x40, 0, 0, 0}, BitLength: 32}, kt, int32(e), 3, now, now, now.Add(time.Hour), now.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		auth, err := types.NewAuthenticator("HOME.EXAMPLE", cname)
		if err != nil {
			t.Fatal(err)
		}
		their, err := messages.NewAPReq(tkt, sk, auth)
		if err != nil {
			t.Fatal(err)
		}
		b := must(their.Marshal())(t)
		client, err := verify(b, k)
		if err != nil || client.String() != "ann@HOME.EXAMPLE" {
			t.Errorf("%v: %v, %v", e, client, err)
		}
	}
}

// verify opens an AP-REQ as a server does, and says whose it is.
func verify(b []byte, k keys.Key) (krb5.Principal, error) {
	m, err := krb5.ParseAPReq(b)
	if err != nil {
		return krb5.Principal{}, err
	}
	plain, err := k.Decrypt(nil, keys.TicketPart, m.Ticket.Enc.Cipher)
	if err != nil {
		return krb5.Principal{}, err
	}
	part, err := krb5.ParseEncTicketPart(plain)
	if err != nil {
		return krb5.Principal{}, err
	}
	session, err := keys.NewKey(keys.EType(part.Key.EType), part.Key.Value)
	if err != nil {
		return krb5.Principal{}, err
	}
	if plain, err = session.Decrypt(nil, keys.APReqAuth, m.Authenticator.Cipher); err != nil {
		return krb5.Principal{}, err
	}
	auth, err := krb5.ParseAuthenticator(plain)
	if err != nil || !auth.Client.Equal(part.Client) {
		return krb5.Principal{}, err
	}
	return auth.Client, nil
}

// An AP-REQ costs a tenth of the allocations it costs there.
func TestAllocations(t *testing.T) {
	for _, e := range keys.ETypes() {
		_, k, p := service(t, int32(e))
		b := apReq(t, k, p, time.Unix(1e9, 0))
		if n := testing.AllocsPerRun(100, func() { verify(b, k) }); n > 40 {
			t.Errorf("%v: an AP-REQ allocates %v times", e, n)
		}
		m := must(krb5.ParseAPReq(b))(t)
		out := make([]byte, 0, 2048)
		for name, c := range map[string]struct { //order:any
			most float64
			f    func()
		}{"ParseAPReq": {4, func() { krb5.ParseAPReq(b) }}, "Append": {0, func() { m.Append(out) }}} {
			if n := testing.AllocsPerRun(100, c.f); n > c.most {
				t.Errorf("%s allocates %v times, at most %v", name, n, c.most)
			}
		}
	}
}

func BenchmarkAPReq(b *testing.B) {
	for _, e := range keys.ETypes() {
		kt, k, p := service(b, int32(e))
		msg := apReq(b, k, p, time.Now())
		b.Run("ours/"+e.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verify(msg, k); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("gokrb5/"+e.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var m messages.APReq
				if err := m.Unmarshal(msg); err != nil {
					b.Fatal(err)
				}
				if ok, err := m.Verify(kt, 100*time.Hour, types.HostAddress{}, nil); !ok {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	all := recorded(b)
	for _, name := range []string{"as-req", "as-rep", "tgs-req", "ap-req"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				krb5.Parse(all[name])
			}
		})
	}
}
