package lwkrb_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"roam6/keying"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

var update = flag.Bool("update", false, "write the vectors anew")

const vectorFile = "../../wire/lwkrb/testdata/vectors.txt"

// writer collects vectors as text.
type writer struct{ strings.Builder }

func (w *writer) section(name string) { fmt.Fprintf(w, "\n[%s]\n", name) }

func (w *writer) text(name, value string) { fmt.Fprintf(w, "%s = %q\n", name, value) }

func (w *writer) octets(name string, b []byte) {
	fmt.Fprintf(w, "%s = %s\n", name, hex.EncodeToString(b))
}

// key writes a long-term key and what HKDF makes of it.
func (w *writer) key(prefix string, name lw.KeyName, first byte) lk.Key {
	k, _ := keyOf(name.Principal, name.EType, first)
	protocol := ramp(first, 16+16*int((name.EType+1)%2))
	w.text(prefix+" principal", string(name.Principal))
	fmt.Fprintf(w, "%s version = %d\n%s encryption type = %d\n", prefix, name.KVNO, prefix, name.EType)
	w.octets(prefix+" protocol key", protocol)
	which := string([]byte{name.EType, 0, 0, 0, byte(name.KVNO)})
	w.octets(prefix+" ticket key", must(keying.Derive(protocol, "lwkrb ticket "+which, "", string(name.Principal), 32)))
	w.octets(prefix+" open key", must(keying.Derive(protocol, "lwkrb open "+which, "", string(name.Principal), 32)))
	return k
}

// request writes all up to the ap-req.
func (w *writer) request(sealer lw.Principal, etype uint8, a lw.Authenticator) (lk.Key, lk.Session, []byte) {
	name := lw.KeyName{Principal: sealer, KVNO: 3, EType: etype}
	k := w.key("sealing", name, 0x80)
	ticket, body := issue(k, name, ramp(0, 100))
	s, raw := session(body), ask(ticket, session(body), a)
	w.text("client", ann)
	w.octets("V5 session key", ramp(0x10, 32))
	w.octets("session key", body.Session)
	w.octets("ticket drawn", ramp(0x30, 24))
	w.octets("ticket body", body.Append(nil))
	w.octets("ticket", ticket.Append(nil))
	w.octets("authenticator drawn", ramp(0x50, 24))
	w.octets("authenticator", a.Append(nil))
	w.octets("ap-req", raw)
	w.octets("access key", access(s, raw, ar2).Octets())
	id := access(s, raw, ar2).ID()
	w.octets("identity", id[:])
	return k, s, raw
}

// reply writes the ap-rep and the keys of the session.
func (w *writer) reply(a lk.Access) {
	rep := answer(a, 0x70)
	w.octets("ap-rep drawn", ramp(0x70, 24))
	w.octets("ap-rep body", must(a.OpenReply(rep[:lw.HeaderLen], rep[lw.HeaderLen:])))
	w.octets("ap-rep", rep)
	out, in := a.AH(rep[lw.HeaderLen:])
	w.octets("AH to router", out)
	w.octets("AH to mobile node", in)
	out, in = a.ESP(rep[lw.HeaderLen:])
	w.octets("ESP to router", out)
	w.octets("ESP to mobile node", in)
}

// refusal writes an error that is authenticated.
func (w *writer) refusal(key lk.ErrorKey, code lw.Code) {
	e := lw.Error{ID: 0x01020304, Code: code, Time: now}
	e.MAC = key.MAC(e.Covered())
	w.octets("error key", key.Octets())
	w.octets("error", e.Append(nil))
}

// open writes an open-req and the open-rep to it.
func (w *writer) open(prefix string, k lk.Key, name lw.KeyName, b lw.OpenRequestBody, found lw.OpenReplyBody, first byte) {
	asked := relay(k, name, b, first)
	w.octets(prefix+"open-req drawn", ramp(first, 24))
	w.octets(prefix+"open-req body", b.Append(nil))
	w.octets(prefix+"open-req", asked)
	w.octets(prefix+"open-rep drawn", ramp(first+0x20, 24))
	w.octets(prefix+"open-rep body", found.Append(nil))
	w.octets(prefix+"open-rep", tell(k, asked, found, first+0x20))
}

func vectors() string {
	var w writer
	w.WriteString("# Test vectors of lightweight Kerberos, docs/lwkrb.md. Octets are in hex, names in quotes; \"drawn\" is what a sender drew for a nonce.\n")

	w.section("case 1")
	_, s1, raw1 := w.request(shared, 17, authenticator())
	w.reply(access(s1, raw1, ar2))
	w.refusal(access(s1, raw1, ar2).ErrorKey(), lw.Repeat)

	w.section("case 2")
	k, s, raw := w.request(local, 18, authenticator())
	rname := lw.KeyName{Principal: ar2, KVNO: 3, EType: 20}
	rk := w.key("router", rname, 0xa0)
	asking := lw.OpenRequestBody{Time: now, Router: ar2, Request: raw}
	w.open("", rk, rname, asking, finds(must(take(k, raw, now, ar2))), 0xc0)
	w.reply(access(s, raw, ar2))

	w.section("case 3")
	k, s, raw = w.request(home, 19, authenticator())
	rk = w.key("router", rname, 0xa0)
	hname := lw.KeyName{Principal: toHome, KVNO: 3, EType: 18}
	hk := w.key("realm", hname, 0xb0)
	found := finds(must(take(k, raw, now, ar2)))
	found.Client = "WELLKNOWN/ANONYMOUS@HOME.EXAMPLE"
	asking = lw.OpenRequestBody{Time: now, Router: ar2, Request: raw}
	w.open("", rk, rname, asking, found, 0xc0)
	asking.Path = []string{"A.EXAMPLE"}
	w.open("second ", hk, hname, asking, found, 0xd0)
	w.reply(access(s, raw, ar2))

	w.section("refused")
	late := authenticator()
	late.Time = now.Add(-time.Hour / 2)
	_, s, raw = w.request(local, 20, late)
	rk = w.key("router", rname, 0xa0)
	e := access(s, raw, ar2).ErrorKey()
	w.open("", rk, rname, lw.OpenRequestBody{Time: now, Router: ar2, Request: raw}, lw.OpenReplyBody{Code: lw.Skew, Time: now, Key: e.Octets()}, 0xc0)
	w.refusal(e, lw.Skew)
	return w.String()
}

// The vectors in the tree are what this code makes.
func TestVectors(t *testing.T) { //spec FH-13 FH-14 FH-15 FH-16
	got := vectors()
	if *update {
		if err := os.WriteFile(vectorFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("the vectors differ; if that is meant, run go test ./keying/lwkrb -update and show the new ones in docs/lwkrb.md")
	}
}

// docs/lwkrb.md shows vectors that are in the file.
func TestPaperShowsVectors(t *testing.T) {
	paper, err := os.ReadFile("../../docs/lwkrb.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(vectors(), "[case 1]\n")
	section, _, _ = strings.Cut(section, "\n\n")
	_, block, _ := strings.Cut(string(paper), "<!-- vectors: case 1 -->")
	_, block, _ = strings.Cut(block, "```\n")
	block, _, _ = strings.Cut(block, "```")
	shown := map[string]string{}
	last := ""
	for line := range strings.Lines(block) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " = "); ok {
			shown[name], last = value, name
		} else {
			shown[last] += strings.TrimSpace(line)
		}
	}
	for line := range strings.Lines(section) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " = ")
		if shown[name] != value {
			t.Errorf("%s is shown as %s, should be %s", name, shown[name], value)
		}
	}
}

// An ap-req with 100 octets of attributes has fewer than 400: docs/lwkrb.md.
func TestSizes(t *testing.T) {
	for sealer, most := range map[lw.Principal]int{shared: 400, local: 400, home: 400} { //order:any
		k, name := keyOf(sealer, 18, 0x80)
		ticket, body := issue(k, name, ramp(0, 100))
		if raw := ask(ticket, session(body), authenticator()); len(raw) > most {
			t.Errorf("%s: %d octets, at most %d are wanted", sealer, len(raw), most)
		} else {
			t.Logf("%s: ap-req %d octets, without attributes %d", sealer, len(raw), len(raw)-100)
		}
	}
}
