package aaa

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/store/subscriber/profile"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// record is an accounting record as the database takes it: docs/subscribers.md.
type record struct {
	Session     string     `json:"session"`
	Number      uint32     `json:"number"`
	Kind        string     `json:"kind"`
	At          time.Time  `json:"at"`
	Name        string     `json:"name"`
	HomeAddress netip.Addr `json:"home_address,omitzero"`
	CareOf      netip.Addr `json:"care_of,omitzero"`
	HomeAgent   netip.Addr `json:"home_agent,omitzero"`
	Origin      string     `json:"origin"`
	Network     string     `json:"network"`
	Seconds     int64      `json:"seconds"`
	OctetsUp    uint64     `json:"octets_up"`
	OctetsDown  uint64     `json:"octets_down"`
	PacketsUp   uint64     `json:"packets_up"`
	PacketsDown uint64     `json:"packets_down"`
	Result      uint32     `json:"result"`
}

// kinds are the names of Accounting-Record-Type.
var kinds = map[mip6aaa.Kind]string{mip6aaa.Event: "event", mip6aaa.Start: "start", mip6aaa.Interim: "interim", mip6aaa.Stop: "stop"}

// accounted is a record on its way to the database.
type accounted struct {
	handle  peers.Handle
	from    string
	network string
	acr     *mip6aaa.ACR
	name    string
	code    diameter.ResultCode // what it is answered once it is stored
}

// account takes an ACR. It is acknowledged when the database has the record, not before; one that comes again is stored once
// and acknowledged again, by session and number, the network that it comes from and the user: whatever others send, it takes no other record's
// place. One of a session that this server does not know is stored as well, for an AAA client may
// send it long after the session or after a restart of this server (RFC 6733 §9.4), but marked: a partner that makes sessions up is found out.
//
// spec DM-22
func (s *Server) account(now engine.Now, out *engine.Effects, f peers.Arrived) {
	acr, err := mip6aaa.ParseACR(f.Message)
	if err != nil {
		s.reject(now, out, f, asError(err), "acr-malformed")
		return
	}
	c, refusal, why := s.claim(now, f, acr)
	if refusal != nil {
		s.reject(now, out, f, refusal, why)
		return
	}
	at := acr.At
	if at.IsZero() {
		at = now.Wall
	}
	code := diameter.Success
	if !c.known {
		code = diameter.LimitedSuccess
		out.Event("aaa.accounting-unknown", engine.S("user", c.name), engine.S("session", acr.Session), engine.S("from", f.From))
	}
	put, err := json.Marshal(record{Session: acr.Session, Number: acr.Number, Kind: kinds[acr.Kind], At: at.UTC(), Name: c.name,
		HomeAddress: acr.Home, CareOf: acr.CareOf, HomeAgent: acr.Agent, Origin: acr.OriginHost, Network: c.network, Seconds: int64(acr.Spent / time.Second),
		OctetsUp: acr.OctetsUp, OctetsDown: acr.OctetsDown, PacketsUp: acr.PacketsUp, PacketsDown: acr.PacketsDown, Result: uint32(code)})
	if err != nil {
		s.reject(now, out, f, &diameter.Error{Code: diameter.InvalidAVPValue, Text: "the record cannot be stored: " + err.Error()}, "acr-malformed")
		return
	}
	s.last++
	s.records[s.last] = &accounted{f.Handle, f.From, c.network, acr, c.name, code}
	s.recording[c.network]++
	s.timers.Set(timer{recording, s.last}, now.Mono.Add(LookupTime))
	out.Query(engine.Query{ID: s.last, Table: profile.TableAccounting, Key: strings.Join([]string{c.network, c.name, acr.Session, strconv.FormatUint(uint64(acr.Number), 10)}, "/"), Put: put})
}

// recorded takes the database's answer to a record, if it is one.
//
// spec DM-22
func (s *Server) recorded(now engine.Now, out *engine.Effects, id uint64, why string) bool {
	r := s.records[id]
	if r == nil {
		return false
	}
	delete(s.records, id)
	if s.recording[r.network]--; s.recording[r.network] == 0 {
		delete(s.recording, r.network)
	}
	s.timers.Stop(timer{recording, id})
	aca := mip6aaa.ACA{Outcome: mip6aaa.Outcome{Code: r.code}, Kind: r.acr.Kind, Number: r.acr.Number, User: r.acr.User}
	switch why {
	case "":
	case profile.ErrDiffers:
		s.drop(out, "record-differs", engine.S("user", r.name), engine.S("session", r.acr.Session), engine.S("from", r.from))
		aca.Outcome = mip6aaa.Outcome{Code: diameter.UnableToComply, Message: "another record is stored by this session and number"}
	default:
		s.drop(out, "record-"+reason(why), engine.S("user", r.name), engine.S("from", r.from))
		aca.Outcome = mip6aaa.Outcome{Code: diameter.OutOfSpace, Message: "the record cannot be stored just now; send it again"}
	}
	if x := s.sessions.byID[sessionKey{user: r.name, id: r.acr.Session}]; x != nil && why == "" && r.acr.Kind == mip6aaa.Stop && s.countsFor(r.from, x.seen) {
		s.sessions.drop(x, &s.home, out)
		out.Event("aaa.session-over", engine.S("user", r.name), engine.S("why", "stopped"))
	}
	if m, ok := s.node.Message(r.handle); ok {
		s.node.Answer(now, out, r.handle, aca.Octets(s.node.Builder(), m, s.host, s.realm))
	}
	return true
}
