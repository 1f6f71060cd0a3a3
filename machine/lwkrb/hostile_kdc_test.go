package lwkrb

import (
	"bytes"
	"testing"
	"time"

	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

func TestRefusalIntoConsent(t *testing.T) { //spec FH-14 FH-18
	w, raw := asked(t, keyOf(local, 17))
	w.a.revoked = true
	// The router tries with what the KDC gives it.
	m := w.m.attempts[0]
	fake := must(lk.NewAccess(m.access.ErrorKey().Octets()))
	plain := (&lw.ReplyBody{Time: start, Lifetime: time.Minute, Granted: both, SPI: 0x2000}).Append(nil)
	before := lw.Before(nil, lw.TypeReply, m.id, len(plain)+lk.Overhead)
	w.mobile(w.m.Heard(w.now, fake.SealReply(before, [lk.NonceLen]byte{1}, before, plain), &w.out))
	if len(w.mn) != 0 || w.drop["lwkrb-reply-forged"] != 1 {
		t.Error("it is believed")
	}
	w.refuses(raw, lw.Revoked, true)
	if len(w.failed) != 1 || w.failed[0] != (Failed{ar2, lw.Revoked, true}) {
		t.Errorf("%+v", w.failed)
	}
}

func TestOpenMessagesAlteredOrReplayed(t *testing.T) { //spec FH-14 FH-15 FH-18
	w, raw := asked(t, keyOf(local, 17))
	w.bring(raw)
	ask := w.asks[0].Octets
	w.queue = nil
	for i := range 8 * len(ask) {
		bad := bytes.Clone(ask)
		bad[i/8] ^= 1 << (i % 8)
		if m, err := lw.ParseOpenReply(w.a.serve(bad, start)); err == nil {
			t.Fatalf("bit %d altered: %+v", i, m)
		}
	}
	rep := w.a.serve(ask, w.now.Wall)
	for i := range 8 * len(rep) {
		bad := bytes.Clone(rep)
		bad[i/8] ^= 1 << (i % 8)
		w.router(w.r.Answered(w.now, bad, &w.out))
	}
	if len(w.judged) != 0 {
		t.Fatal("an altered open-rep is taken")
	}
	// The answer to another open-req, with the identifier of this one.
	w.ask(wish())
	w.queue = nil
	w.bring(w.requests[1].Octets)
	w.queue = nil
	swapped := bytes.Clone(rep)
	copy(swapped[4:8], w.asks[len(w.asks)-1].Octets[4:8])
	w.router(w.r.Answered(w.now, swapped, &w.out))
	if len(w.judged) != 0 || w.drop["lwkrb-kdc-forged"] == 0 {
		t.Fatal("the answer to another question is taken")
	}
	w.router(w.r.Answered(w.now, rep, &w.out))
	if len(w.ar) != 1 {
		t.Error("the true one is not taken any more")
	}
	w.router(w.r.Answered(w.now, rep, &w.out))
	if len(w.ar) != 1 || w.drop["lwkrb-kdc-unasked"] == 0 {
		t.Error("it is taken twice")
	}
	// An old open-req, sent again by who heard it, ten minutes later.
	m := must(lw.ParseOpenReply(w.a.serve(ask, start.Add(10*time.Minute))))
	key := keyOf(ar2, 20)
	plain := must(key.Key.OpenOpenReply(must(lw.ParseOpenRequest(ask)).Sealed, lw.Before(nil, lw.TypeOpenReply, m.ID, len(m.Sealed)), m.Sealed))
	if got := must(lw.ParseOpenReplyBody(plain)); got.Code != lw.Skew {
		t.Errorf("%+v", got)
	}
}

func TestKDCLiesAboutRealms(t *testing.T) { //spec FH-15 FH-18
	_, raw := asked(t, keyOf(home, 18))
	for name, c := range map[string]struct { //order:any
		path []string
		want lw.Code
	}{
		"as it is":            {[]string{"A.EXAMPLE"}, lw.None},
		"another router's":    {[]string{"B.EXAMPLE", "A.EXAMPLE"}, lw.BadPath},
		"another one last":    {[]string{"A.EXAMPLE", "B.EXAMPLE"}, lw.BadPath},
		"a loop":              {[]string{"A.EXAMPLE", "HOME.EXAMPLE", "A.EXAMPLE"}, lw.BadPath},
		"nobody":              {nil, lw.BadMatch},
		"realms not trusted":  {[]string{"A.EXAMPLE", "EVIL.EXAMPLE", "A.EXAMPLE"}, lw.Generic}, // none twice: it does not parse
		"not the one it came": {[]string{"EVIL.EXAMPLE"}, lw.BadPath},
	} {
		w := newWorld(t)
		q := lw.OpenRequestBody{Time: start, Router: ar2, Path: c.path, Request: raw}
		body, err := lw.ParseOpenRequestBody(q.Append(nil))
		if err != nil {
			continue
		}
		if got := w.h.judge(body, toHome, start); got.Code != c.want {
			t.Errorf("%s: %v, want %v", name, got.Code, c.want)
		}
	}
	w := newWorld(t)
	w.h.trust = nil
	w.refuses(raw, lw.BadPath, false)
	w.h.trust = []string{"A.EXAMPLE"}
	w.bring(raw)
	w.pass(100 * time.Millisecond)
	if len(w.ar) != 1 {
		t.Error("the true path is not taken")
	}
	// What it sees makes it no ap-req for another router: the access key is bound to the name.
	auth := must(lw.ParseRequest(raw)).Authenticator
	s := ticketFor(keyOf(home, 18), nil).session
	if s.Access(auth, string(ar2)).ID() == s.Access(auth, string(ar3)).ID() {
		t.Error("one access key for two routers")
	}
}
