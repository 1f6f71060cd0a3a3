package lwkrb_test

import (
	"testing"

	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

func requestForBench() (lk.Key, lk.Session, lw.Ticket, []byte) {
	k, name := keyOf(shared, 18, 0x80)
	ticket, body := issue(k, name, ramp(0, 100))
	s := session(body)
	return k, s, ticket, ask(ticket, s, authenticator())
}

// An ap-req parsed, opened, checked, and its access key made: all that case 1 takes before the ap-rep.
func BenchmarkOpenAndVerify(b *testing.B) {
	k, _, _, raw := requestForBench()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := take(k, raw, now, ar2); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAsk(b *testing.B) {
	_, s, ticket, _ := requestForBench()
	b.ReportAllocs()
	for b.Loop() {
		ask(ticket, s, authenticator())
	}
}

func BenchmarkAnswer(b *testing.B) {
	k, _, _, raw := requestForBench()
	x := must(take(k, raw, now, ar2))
	b.ReportAllocs()
	for b.Loop() {
		answer(x.access, 1)
	}
}

func BenchmarkSealTicket(b *testing.B) {
	k, name := keyOf(shared, 18, 0x80)
	_, body := issue(k, name, ramp(0, 100))
	n, plain := name.Append(nil), body.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		k.SealTicket(nil, drawn(1), n, plain)
	}
}
