package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"roam6/wire/diameter"
)

// How bench aaa looks at a server that falls silent.
const (
	silentClients = 10
	silentPace    = 500 * time.Microsecond // between requests for the server that answers
	silentEvery   = 10                     // for each so many of them there is one for the other server
	silentTime    = 3 * time.Second        // longer than the relay takes to find out that a peer is silent
	silentWait    = time.Second            // for the last answers
)

// post sends one request; note says whether the time until its answer counts.
func (p *aaaPeer) post(raw []byte, note bool) error {
	p.write.Lock()
	defer p.write.Unlock()
	p.hop++
	p.out = append(p.out[:0], raw...)
	diameter.SetHopByHop(p.out, p.hop)
	diameter.SetEndToEnd(p.out, p.hop)
	if note {
		p.sent[p.hop] = time.Now()
	}
	_, err := p.conn.Write(p.out)
	return err
}

// steady sends requests at a steady pace to both servers, the second of which may be silent from the beginning, and tells how long each answer of
// the first took.
func (l *aaaLoad) steady(silent bool, during time.Duration) (took []time.Duration, err error) {
	var home, gone [][][]byte
	for _, p := range l.clients {
		p.write.Lock()
		p.sent = map[uint32]time.Time{}
		p.write.Unlock()
		home, gone = append(home, aaaRequests(p.host, aaaRealm)), append(gone, aaaRequests(p.host, aaaSilent))
	}
	l.servers[1].silent.Store(silent)
	began := time.Now()
	for i := 0; time.Since(began) < during; i++ {
		time.Sleep(time.Until(began.Add(time.Duration(i) * silentPace)))
		k := i % len(l.clients)
		p, size := l.clients[k], i%len(aaaSizes)
		if err := p.post(home[k][size], true); err != nil {
			return nil, err
		}
		if i%silentEvery == 0 {
			if err := p.post(gone[k][size], false); err != nil {
				return nil, err
			}
		}
	}
	time.Sleep(silentWait)
	for _, p := range l.clients {
		p.write.Lock()
		if len(p.sent) > 0 {
			err = errors.Join(err, fmt.Errorf("%d requests of %s had no answer after %v", len(p.sent), p.host, silentWait))
		}
		took = append(took, p.took...)
		p.write.Unlock()
	}
	slices.Sort(took)
	return took, err
}

// benchAAASilent has users of one realm ask while the server of another says nothing, and while it answers; a relay of its own each time.
func benchAAASilent(ctx context.Context) ([]benchRow, error) {
	var middle, late [2][]float64 // without, with
	turn := func(with int) error {
		r, err := newRelay(silentClients, ourRelay)
		if err != nil {
			return err
		}
		took, err := r.load.steady(with == 1, silentTime)
		if err = errors.Join(err, r.close(), ctx.Err()); err != nil {
			return err
		}
		middle[with] = append(middle[with], micros(took[len(took)/2]))
		late[with] = append(late[with], micros(took[len(took)*99/100]))
		return nil
	}
	order := []int{1, 0}
	for range aaaTurns {
		for _, with := range order {
			if err := turn(with); err != nil {
				return nil, err
			}
		}
		slices.Reverse(order)
	}
	const without = "none silent"
	return []benchRow{beside("a server is silent, others: median", "µs", without, middle[1], middle[0]), beside("a server is silent, others: p99", "µs", without, late[1], late[0])}, nil
}
