package kdc

import (
	"strings"

	"roam6/engine"
	"roam6/wire/krb5"
)

// refusal is why a request is not granted, and what its client is told.
type refusal struct {
	code   krb5.ErrorCode
	why    string         // of a fixed set of words, for counts; empty: the name of the code
	text   string         // for people
	method krb5.List      // e-data: METHOD-DATA
	typed  krb5.List      // e-data: TYPED-DATA, instead; not in armor
	client krb5.Principal // to be told: where another realm is to be asked (RFC 6806 §7)
}

func no(code krb5.ErrorCode, text string) *refusal { return &refusal{code: code, text: text} }

// reason is the word that a refusal is counted by: "c-principal-unknown" of KDC_ERR_C_PRINCIPAL_UNKNOWN.
func (r *refusal) reason() string {
	if r.why != "" {
		return r.why
	}
	name := r.code.String()
	for _, prefix := range []string{"KDC_ERR_", "KRB_AP_ERR_", "KRB_AP_", "KRB_ERR_"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name = rest
			break
		}
	}
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

// refuse answers a request by a KRB-ERROR (RFC 4120 §5.9.1), and ends it. Nothing else changes.
func (s *Server) refuse(now engine.Now, out *engine.Effects, t *task, r *refusal) {
	s.end(t)
	attrs := []engine.Attr{engine.S("exchange", t.kind), engine.A("from", t.from.peer), engine.S("server", s.serverOf(t).String())}
	if c := t.req.Body.Client; !c.IsZero() {
		attrs = append(attrs, engine.S("client", krb5.Principal{Name: c, Realm: t.req.Body.Realm}.String()))
	}
	if r.code == krb5.ErrPreauthRequired { // the first half of each logon
		s.granted["preauth-required"]++
	} else {
		s.drop(out, r.reason(), append(attrs, engine.S("error", r.text))...)
	}
	s.send(now, out, t.from, s.krbError(now, t, r))
}

func (s *Server) krbError(now engine.Now, t *task, r *refusal) []byte {
	e := krb5.KRBError{ServerTime: now.Wall.UTC(), Code: r.code, Server: s.serverOf(t), Text: r.text, Client: r.client}
	if e.Client.IsZero() && !t.req.TGS && (t.fast == nil || !t.fast.hide) {
		e.Client = krb5.Principal{Name: t.req.Body.Client, Realm: t.req.Body.Realm}
	}
	if method := s.armorError(t, &e, r.method); len(method) > 0 {
		e.Data = krb5.AppendMethodData(nil, method)
	} else if len(r.typed) > 0 {
		e.Data = krb5.AppendTypedData(nil, r.typed)
	}
	return e.Append(nil)
}

// serverOf is the server that a request names, ours where it names none.
func (s *Server) serverOf(t *task) krb5.Principal {
	if t.req.Body.Server.IsZero() {
		return s.self
	}
	return krb5.Principal{Name: t.req.Body.Server, Realm: t.req.Body.Realm}
}
