package tickets

import "time"

// Counts of what a Client did since it was made.
type Counts struct {
	Sent    uint64 `json:"sent"`    // requests, copies included
	Granted uint64 `json:"granted"` // tickets
	Failed  uint64 `json:"failed"`
	Errors  uint64 `json:"errors"` // that KDCs sent, or others
}

// View is a plain copy of what a Client knows, without any key.
type View struct {
	Client  string       `json:"client"`
	Way     string       `json:"way"`
	Tickets []TicketView `json:"tickets"`
	Counts  Counts       `json:"counts"`
}

// TicketView is a wanted ticket.
type TicketView struct {
	Server      string    `json:"server"`
	State       State     `json:"state"`
	Why         string    `json:"why,omitempty"` // it is not ready
	Until       time.Time `json:"until,omitzero"`
	RenewTill   time.Time `json:"renewTill,omitzero"`
	Flags       string    `json:"flags,omitempty"`
	Lightweight bool      `json:"lightweight"`
	Helper      bool      `json:"helper,omitempty"` // only others need it
}

// View says what is wanted, and what is there.
//
// spec RT-40
func (c *Client) View() View {
	v := View{Client: c.cfg.Client.String(), Way: c.way.String(), Counts: c.count}
	for _, w := range c.wants {
		t := TicketView{Server: w.server.String(), State: w.state, Why: w.why, Helper: w.helper}
		if w.ticket != nil {
			t.Until, t.RenewTill = w.ticket.Times.End, w.ticket.Times.RenewTill
			t.Flags, t.Lightweight = w.ticket.Flags.String(), w.ticket.Lightweight()
		}
		v.Tickets = append(v.Tickets, t)
	}
	return v
}
