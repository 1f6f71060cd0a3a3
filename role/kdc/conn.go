package kdc

import (
	"net/netip"

	"roam6/engine"
	"roam6/wire/krb5"
)

// conn is a connection over which requests come, each behind its length (RFC 4120 §7.2.2).
type conn struct {
	peer  netip.AddrPort
	buf   []byte // the beginning of a request
	tasks int
}

func (s *Server) opened(now engine.Now, out *engine.Effects, o engine.Opened) {
	if len(s.conns) >= MaxConns {
		s.drop(out, "connections-full", engine.A("from", o.To))
		out.Close(o.Conn)
		return
	}
	s.conns[o.Conn] = &conn{peer: o.To}
	s.timers.Set(timer{idle, uint64(o.Conn)}, now.Mono.Add(IdleTime))
}

// stream takes octets. A connection that says what is no request, or too much, is closed.
func (s *Server) stream(now engine.Now, out *engine.Effects, in engine.Stream) {
	c := s.conns[in.Conn]
	if c == nil {
		return
	}
	c.buf = append(c.buf, in.Data...)
	rest := c.buf
	for {
		m, left, err := krb5.NextFrame(rest)
		if err != nil || m == nil && len(left) > MaxRequest || len(m) > MaxRequest {
			s.drop(out, "framing", engine.A("from", c.peer))
			s.hangUp(out, in.Conn)
			return
		}
		if rest = left; m == nil {
			break
		}
		why := s.rates.take(now.Mono, c.peer.Addr(), s.cfg.PerSource, s.cfg.Whole)
		if why == "" && c.tasks >= MaxPerConn {
			why = "connection-full"
		}
		if why != "" {
			s.drop(out, why, engine.A("from", c.peer))
			s.hangUp(out, in.Conn)
			return
		}
		s.message(now, out, origin{conn: in.Conn, peer: c.peer}, m)
	}
	c.buf = append([]byte(nil), rest...)
	s.timers.Set(timer{idle, uint64(in.Conn)}, now.Mono.Add(IdleTime))
}

// hangUp ends a connection. What it asked goes on, and is told to nobody.
func (s *Server) hangUp(out *engine.Effects, c engine.Conn) {
	delete(s.conns, c)
	s.timers.Stop(timer{idle, uint64(c)})
	out.Close(c)
}

// closed takes the end of a connection, or of something that was listened at, which is tried again.
func (s *Server) closed(now engine.Now, out *engine.Effects, c engine.Closed) {
	if c.Conn != 0 {
		delete(s.conns, c.Conn)
		s.timers.Stop(timer{idle, uint64(c.Conn)})
		return
	}
	s.down[c.Listener] = c.Reason
	out.Event("kdc.not-listening", engine.S("listener", c.Listener), engine.S("reason", c.Reason))
	s.timers.Set(timer{rebinding, 0}, now.Mono.Add(RebindTime))
}
