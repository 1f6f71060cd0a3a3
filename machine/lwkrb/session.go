package lwkrb

import (
	"net/netip"
	"time"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// Fact is what one end found out, for its role. Of a Mobile: *Request, *Session, Hint, Renew, Failed. Of a Router: AskKDC, *Judge,
// *Session, Answer.
type Fact interface{ fact() }

// Pair is the keys of one transform, one for each direction. They do not print. The zero Pair is none.
type Pair struct{ ToRouter, ToMobile lw.Secret }

// Erase overwrites the keys.
func (p Pair) Erase() {
	p.ToRouter.Erase()
	p.ToMobile.Erase()
}

// Session is what an ap-req and its ap-rep have made: both ends have the same keys.
//
// spec FH-16
type Session struct {
	Handle      Handle       // of the router's exchange; 0 at the mobile node
	Case        lw.Case      // who opened the ticket
	Router      lw.Principal // the access router
	Client      lw.Principal // the mobile node; at the router, as it may know it
	CareOf      netip.Addr   // of the mobile node
	LinkLayer   []byte       // of the mobile node
	Granted     lw.Want      // the protection is what was wanted
	SPIToRouter uint32       // 0 without protection
	SPIToMobile uint32       // likewise
	AH          Pair         // HMAC-SHA-256-128 (RFC 4868), if granted
	ESP         Pair         // AES-256-GCM and salt (RFC 4106), if granted
	Until       engine.Mono  // its end
	TicketEnd   time.Time    // on the wall clock, of the KDC's realm
	Transited   []string     // realms of the ticket; nil at the mobile node
	Attributes  []byte       // of the ticket; nil at the mobile node
}

// Erase overwrites the keys.
func (s *Session) Erase() {
	s.AH.Erase()
	s.ESP.Erase()
}

func (*Session) fact() {}

// keys makes what was granted of an access key and the sealed part of the ap-rep, and lets go of the access key.
func (s *Session) keys(a lk.Access, sealed []byte) {
	if s.Granted&lw.WantAH != 0 {
		r, m := a.AH(sealed)
		s.AH = Pair{r, m}
	}
	if s.Granted&lw.WantESP != 0 {
		r, m := a.ESP(sealed)
		s.ESP = Pair{r, m}
	}
	a.Erase()
}

const protection = lw.WantAH | lw.WantESP

// draw takes what a sealing needs of randomness.
func draw(r *engine.Rand) (b [lk.NonceLen]byte) {
	r.Read(b[:])
	return b
}
