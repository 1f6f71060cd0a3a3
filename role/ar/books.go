package ar

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// Limits of the books.
const (
	// MaxRecords is how many records may wait to be acknowledged. Every session that is open has room for its last ones among them: nobody
	// is let in whom there would be no room to account for, so none is lost.
	//
	// A home network has no more of them than are free beside it: alone it comes to half, the next one to a quarter. However many take no
	// records, some are left for another.
	MaxRecords = 1 << 16
	perAccount = 3  // start, interim and stop
	MaxFlying  = 64 // on their way at once
	// One home network that takes no records has so much at most: it is in nobody else's way.
	MaxFlyingOfRealm = MaxFlying / 4
	RetryFirst       = 10 * time.Second // before a record is sent again that was not taken; twice as long each time
	RetryMost        = 5 * time.Minute
)

// Names of what is stored.
const (
	bucket    = "ar/accounting"
	openKey   = "open/"
	recordKey = "record/"
)

// books are the records that were not acknowledged yet. Each is durable before it is sent, and until it is acknowledged; the server knows one
// that comes again by its session and number.
type books struct {
	g        *gatekeeper
	interim  time.Duration
	accounts map[string]*account // by session
	measures map[uint64]*account
	number   uint64 // of the latest Measure

	records map[uint64]*record
	next    uint64 // number of the latest record
	shelves map[string]*shelf
	turn    []string          // realms that have a shelf
	at      int               // whose turn it is, in turn
	flying  map[uint64]uint64 // by the number of the request
	timers  engine.Timers[chore]
}

// shelf is what is for one home network. It is there as long as a record or an account stands on it, which know it.
type shelf struct {
	realm                     string
	records, accounts, flying int
	ready                     []uint64 // to be sent, in order
}

// shelf gives that of a user's home network.
func (b *books) shelf(user string) *shelf {
	realm := b.realm(user)
	s := b.shelves[realm]
	if s == nil {
		s = &shelf{realm: realm}
		b.shelves[realm] = s
		b.turn = append(b.turn, realm)
	}
	return s
}

// realm is how the home network of a user is known here: names of networks are the same whatever their case.
func (b *books) realm(user string) string { return strings.ToLower(b.g.realmOf(user)) }

// tidy forgets a shelf on which nothing is.
func (b *books) tidy(s *shelf) {
	if s.records == 0 && s.accounts == 0 {
		delete(b.shelves, s.realm)
		b.turn = slices.DeleteFunc(b.turn, func(r string) bool { return r == s.realm })
	}
}

// record is one that waits to be acknowledged.
type record struct {
	number uint64
	usage  usage
	shelf  *shelf
	of     *account // nil: of an earlier life
	tries  int
	flies  bool
}

// chore is what a timer is for: the interim record of a session, or a record that is sent again.
type chore struct {
	session string
	record  uint64
}

func newBooks(g *gatekeeper, interim time.Duration) *books {
	if interim <= 0 {
		interim = DefaultInterim
	}
	return &books{g: g, interim: interim, accounts: map[string]*account{}, measures: map[uint64]*account{}, records: map[uint64]*record{}, flying: map[uint64]uint64{}, shelves: map[string]*shelf{}}
}

// room says whether one more session of a user can be accounted for.
func (b *books) room(user string) bool {
	if b == nil {
		return true
	}
	own, all := perAccount, len(b.records)+perAccount*(len(b.accounts)+1)
	if s := b.shelves[b.realm(user)]; s != nil {
		own += s.records + perAccount*s.accounts
	}
	return own <= MaxRecords-all
}

func keyOf(number uint64) string { return fmt.Sprintf("%s%020d", recordKey, number) }

func numberOf(key string) (uint64, bool) {
	text, ok := strings.CutPrefix(key, recordKey)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil
}

// record enters a record.
//
// spec DM-22
func (b *books) record(u usage, of *account, out *engine.Effects) {
	if of != nil {
		if old := b.records[of.last]; old != nil && !old.flies {
			b.strike(old, out)
		}
	}
	b.next++
	r := &record{number: b.next, usage: u, of: of}
	if of != nil && u.Kind == mip6aaa.Interim {
		of.last = r.number
	}
	b.put(r)
	value, _ := json.Marshal(u)
	out.Persist(bucket, keyOf(r.number), value)
}

// put has a record wait to be sent.
func (b *books) put(r *record) {
	b.records[r.number] = r
	r.shelf = b.shelf(r.usage.User)
	r.shelf.records++
	r.shelf.ready = append(r.shelf.ready, r.number)
}

// strike takes a record out. Its place in ready is passed over.
func (b *books) strike(r *record, out *engine.Effects) {
	delete(b.records, r.number)
	r.shelf.records--
	b.tidy(r.shelf)
	b.timers.Stop(chore{record: r.number})
	out.Persist(bucket, keyOf(r.number), nil)
}

// pump sends what is ready, a few at a time, of each home network in turn.
func (b *books) pump(now engine.Now, out *engine.Effects) {
	for idle := 0; idle < len(b.turn) && len(b.flying) < MaxFlying; idle++ {
		s := b.shelves[b.turn[b.at%len(b.turn)]]
		b.at++
		for s.flying < MaxFlyingOfRealm && len(s.ready) > 0 {
			r := b.records[s.ready[0]]
			s.ready = s.ready[1:]
			if r != nil { // else an interim record that a later one stands for
				b.send(now, r, out)
				idle = -1
				break
			}
		}
	}
}

// send sends a record as an ACR.
//
// spec DM-22
func (b *books) send(now engine.Now, r *record, out *engine.Effects) {
	u, g := r.usage, b.g
	acr := mip6aaa.ACR{
		Route: mip6aaa.Route{Session: u.Session, OriginHost: g.cfg.Peers.Host, OriginRealm: g.cfg.Peers.Realm, DestinationRealm: g.realmOf(u.User)},
		User:  u.User, Kind: u.Kind, Number: u.Number, At: time.Unix(u.At, 0), Spent: u.Spent, Home: u.Home, CareOf: u.CareOf, Agent: u.Agent,
		OctetsUp: u.Up.Octets, OctetsDown: u.Down.Octets, PacketsUp: u.Up.Packets, PacketsDown: u.Down.Packets,
	}
	g.number++
	r.flies = true
	r.shelf.flying++
	b.flying[g.number] = r.number
	if !g.node.Request(now, out, acr.Octets(g.node.Builder()), g.number) {
		b.later(now, b.landed(g.number))
	}
}

// landed gives the record of a request.
func (b *books) landed(number uint64) *record {
	n, ok := b.flying[number]
	if !ok {
		return nil
	}
	delete(b.flying, number)
	r := b.records[n]
	r.flies = false
	r.shelf.flying--
	return r
}

// answered strikes a record that was acknowledged, or that no server will ever take: only what is for ever wrong with it may say so.
//
// spec DM-22
func (b *books) answered(now engine.Now, number uint64, m diameter.Message, out *engine.Effects) {
	r := b.landed(number)
	if r == nil {
		return
	}
	aca, err := mip6aaa.ParseACA(m)
	switch {
	case err == nil && aca.Session == r.usage.Session && aca.Code.Success():
		b.strike(r, out)
	case err == nil && aca.Session == r.usage.Session && permanent(aca.Code):
		b.strike(r, out)
		value, _ := json.Marshal(r.usage)
		out.Event("accounting.refused", engine.S("result", aca.Code.String()), engine.S("record", string(value)))
	default:
		b.later(now, r)
	}
	b.pump(now, out)
}

// permanent says whether a record will be refused whenever it is sent.
func permanent(c diameter.ResultCode) bool { return c >= 5000 && c < 6000 }

// unable sends a record again later.
func (b *books) unable(now engine.Now, number uint64, out *engine.Effects) {
	if r := b.landed(number); r != nil {
		b.later(now, r)
		b.pump(now, out)
	}
}

func (b *books) later(now engine.Now, r *record) {
	b.timers.Set(chore{record: r.number}, now.Mono.Add(min(RetryFirst<<min(r.tries, 16), RetryMost)))
	r.tries++
}

// peerUp sends what waits: there is a way again.
func (b *books) peerUp(now engine.Now, out *engine.Effects) {
	for n, r := range b.records { //order:any — sorted below
		if _, waits := b.timers.Armed(chore{record: n}); waits {
			b.timers.Stop(chore{record: n})
			r.shelf.ready = append(r.shelf.ready, n)
		}
	}
	for _, s := range b.shelves { //order:any — each by itself
		slices.Sort(s.ready)
	}
	b.pump(now, out)
}

func (b *books) tick(now engine.Now, out *engine.Effects) {
	for x, ok := b.timers.Pop(now.Mono); ok; x, ok = b.timers.Pop(now.Mono) {
		if x.record != 0 {
			s := b.records[x.record].shelf
			s.ready = append(s.ready, x.record)
			continue
		}
		if a := b.accounts[x.session]; a != nil {
			b.measure(a, out)
			b.timers.Set(x, now.Mono.Add(a.interval))
		}
	}
	b.pump(now, out)
}

// BooksView is what is shown of accounting.
type BooksView struct {
	Open    int `json:"open"`    // sessions that are counted
	Records int `json:"records"` // not acknowledged yet
	Flying  int `json:"flying"`  // of these on their way
}

func (b *books) view() *BooksView {
	if b == nil {
		return nil
	}
	return &BooksView{len(b.accounts), len(b.records), len(b.flying)}
}
