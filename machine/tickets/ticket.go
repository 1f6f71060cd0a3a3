package tickets

import (
	"fmt"
	"slices"
	"time"

	"roam6/engine"
	"roam6/wire/krb5"
	"roam6/wire/lwkrb"
)

// Ticket is a ticket, and what its owner knows of it. It is for reading.
type Ticket struct {
	Client krb5.Principal
	Server krb5.Principal
	Ticket krb5.Ticket
	Key    krb5.EncryptionKey // the session key
	Flags  krb5.TicketFlags
	Times  krb5.Times // by the clock of the KDC
	// Light is the lightweight ticket beside it; its Sealed is empty if the KDC gave none.
	Light lwkrb.Ticket

	from  string      // the realm whose KDC gave it
	until engine.Mono // Times.End
	stale engine.Mono // it is to be renewed
}

// Format prints server and end and no key, for every verb.
func (t Ticket) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "ticket for %v until %v", t.Server, t.Times.End)
}

// Start is when the ticket begins to be good.
func (t *Ticket) Start() time.Time {
	if t.Times.Start.IsZero() {
		return t.Times.Auth
	}
	return t.Times.Start
}

// Lightweight says whether there is a lightweight ticket.
func (t *Ticket) Lightweight() bool { return len(t.Light.Sealed) > 0 }

// Principal is a principal as text, for lightweight Kerberos; ok says whether it has such a name.
func Principal(p krb5.Principal) (text lwkrb.Principal, ok bool) {
	text = lwkrb.MakePrincipal(p.Realm, p.Name.Parts...)
	return text, text.Valid() && len(p.Name.Parts) <= lwkrb.MaxComponents && !slices.Contains(p.Name.Parts, "")
}

// light takes the lightweight ticket out of encrypted padata: docs/lwkrb.md, "Tickets". It is one for the same key as the ticket beside it, or none.
//
// spec FH-14
func light(t *Ticket, padata krb5.List) (why string) {
	data, ok := padata.Find(krb5.PALWKRB)
	if !ok {
		return ""
	}
	if len(data) == 0 || data[0] != lightVersion {
		return "lightweight-version"
	}
	l, err := lwkrb.ParseTicket(data[1:])
	if err != nil {
		return "lightweight-malformed"
	}
	server, ok := Principal(t.Server)
	if e := t.Ticket.Enc; !ok || l.Key.Principal != server || l.Key.KVNO != e.KVNO || int32(l.Key.EType) != e.EType {
		return "lightweight-other-key"
	}
	t.Light = l
	return ""
}

// lightVersion begins the value of PA-LWKRB, asking and answering.
const lightVersion = 1

// Ticket gives the ticket for a server while it is good; nil if there is none. For krbtgt/REALM it is the one that somebody on the way gave, whatever
// realm is asked for.
func (c *Client) Ticket(now engine.Now, server krb5.Principal) *Ticket {
	if w := c.wanted(server); w != nil && w.ticket != nil && now.Mono < w.ticket.until {
		return w.ticket
	}
	return nil
}

// Tickets are those that are good, the client's own TGT first, the others as they were wanted.
func (c *Client) Tickets(now engine.Now) (list []*Ticket) {
	for _, w := range c.wants {
		if w.ticket != nil && now.Mono < w.ticket.until {
			list = append(list, w.ticket)
		}
	}
	return list
}
