package mip6aaa

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"roam6/wire/access"
	"roam6/wire/diameter"
)

// samples are messages of every command.
func samples() [][]byte {
	var b diameter.Builder
	var list [][]byte
	ask := func(raw []byte) diameter.Message {
		list = append(list, slices.Clone(raw))
		m, err := diameter.Parse(list[len(list)-1])
		if err != nil {
			panic(err)
		}
		return m
	}
	m := ask(whole().Octets(&b))
	key := access.KeyData{Use: access.HomeAgent, Method: access.Random, Algorithm: access.AESGCM, SPI: 4096, Lifetime: 1e9, Value: make([]byte, 32)}
	ask((&ARA{Outcome: Outcome{Code: diameter.Success}, Lifetime: 1e12, Auth: make([]byte, 16), Binding: acknowledgement(), Keys: []MNKey{{key, 4097}}}).Octets(&b, m, "h", "r"))
	m = ask(wholeHOR().Octets(&b))
	ask((&HOA{Outcome: Outcome{Code: diameter.Success}, Home: hoa, Agent: ha}).Octets(&b, m, "h", "r"))
	m = ask(wholeACR().Octets(&b))
	ask((&ACA{Outcome: Outcome{Code: diameter.Success}, Kind: Stop, Number: 3}).Octets(&b, m, "h", "r"))
	return list
}

// parse reads a message by its command and writes it again.
func parse(m diameter.Message, b *diameter.Builder) (v any, again []byte, err error) {
	switch {
	case m.Command == diameter.AARegistration && m.IsRequest():
		if a, err := ParseARR(m); err == nil {
			_, _ = a.Request()
			return a, a.Octets(b), nil
		} else {
			return nil, nil, err
		}
	case m.Command == diameter.AARegistration:
		if a, err := ParseARA(m); err == nil {
			a.Reply()
			return a, a.Octets(b, m, a.OriginHost, a.OriginRealm), nil
		} else {
			return nil, nil, err
		}
	case m.Command == diameter.HomeAgentMIPv6 && m.IsRequest():
		if h, err := ParseHOR(m); err == nil {
			return h, h.Octets(b), nil
		} else {
			return nil, nil, err
		}
	case m.Command == diameter.HomeAgentMIPv6:
		if h, err := ParseHOA(m); err == nil {
			return h, h.Octets(b, m, h.OriginHost, h.OriginRealm), nil
		} else {
			return nil, nil, err
		}
	case m.Command == diameter.Accounting && m.IsRequest():
		if a, err := ParseACR(m); err == nil {
			return a, a.Octets(b), nil
		} else {
			return nil, nil, err
		}
	case m.Command == diameter.Accounting:
		if a, err := ParseACA(m); err == nil {
			return a, a.Octets(b, m, a.OriginHost, a.OriginRealm), nil
		} else {
			return nil, nil, err
		}
	}
	return nil, nil, errors.New("no command of ours")
}

// FuzzParse: no message makes a parser panic; every refusal is one that can be answered; what is accepted is the same when it is
// written and read again.
func FuzzParse(f *testing.F) {
	for _, s := range samples() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := diameter.Parse(raw)
		if err != nil || diameter.Check(m) != nil {
			return
		}
		var b, c diameter.Builder
		v, again, err := parse(m, &b)
		if err != nil {
			return
		}
		n, err := diameter.Parse(slices.Clone(again))
		if err != nil {
			t.Fatal(err)
		}
		w, _, err := parse(n, &c)
		if err != nil || !reflect.DeepEqual(v, w) {
			t.Fatalf("%v\nfirst  %+v\nsecond %+v", err, v, w)
		}
	})
}

func TestEveryCut(t *testing.T) {
	for _, s := range samples() {
		for n := diameter.HeaderLen; n < len(s); n += 4 {
			cut := slices.Clone(s[:n])
			cut[1], cut[2], cut[3] = 0, byte(n>>8), byte(n)
			m, err := diameter.Parse(cut)
			if err != nil {
				continue
			}
			var b diameter.Builder
			if _, _, err := parse(m, &b); err != nil {
				var e *diameter.Error
				if !errors.As(err, &e) {
					t.Errorf("%s cut at %d: %v", m.CommandName(), n, err)
				}
			}
		}
	}
}
