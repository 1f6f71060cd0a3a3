package kdc

import "maps"

// View is what a server shows of itself.
type View struct {
	Role        string            `json:"role"` // "kdc"
	Realm       string            `json:"realm"`
	Waiting     int               `json:"waiting"`     // requests being worked on
	Lookups     int               `json:"lookups"`     // under way
	Principals  int               `json:"principals"`  // remembered
	Replays     int               `json:"replays"`     // authenticators that are remembered
	Connections int               `json:"connections"` // open
	Forwarded   int               `json:"forwarded"`   // open-reqs that other KDCs work on
	Sources     int               `json:"sources"`     // whose rate is counted
	Granted     map[string]int    `json:"granted"`     // since the start: as, tgs, open, lightweight, forwarded, again (repeated answers), preauth-required
	Refused     map[string]int    `json:"refused"`     // since the start, by reason
	Down        map[string]string `json:"down"`        // what is not listened at, and why
	Realms      []RealmView       `json:"realms,omitempty"`
}

// RealmView is another realm as the configuration has it.
type RealmView struct {
	Name    string `json:"name"`
	Next    string `json:"next"` // the neighbour on the way there
	Transit bool   `json:"transit"`
	KDCs    int    `json:"kdcs"`
}

// View is a plain copy; see engine.Engine.
func (s *Server) View() any {
	v := View{Role: "kdc", Realm: s.cfg.Realm, Waiting: len(s.tasks), Lookups: len(s.lookups), Principals: len(s.accounts.by), Replays: len(s.replays.order),
		Connections: len(s.conns), Forwarded: len(s.forwards.by), Sources: len(s.rates.by), Granted: maps.Clone(s.granted), Refused: maps.Clone(s.refused), Down: maps.Clone(s.down)}
	for i := range s.cfg.Realms {
		r := &s.cfg.Realms[i]
		next, _ := s.cfg.hop(r.Name)
		v.Realms = append(v.Realms, RealmView{r.Name, next, r.Transit, len(r.KDCs)})
	}
	return v
}
