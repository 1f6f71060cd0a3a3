package krb5

import (
	"errors"
	"slices"
	"strings"
)

// MaxTransited is how many realms a transited field may name.
const MaxTransited = 32

// ErrTransited says that a transited field is not to be understood: KRB_AP_PATH_NOT_ACCEPTED is the answer.
var ErrTransited = errors.New("krb5: the transited field cannot be read")

// Realms gives the realms that a transited field names, shorthand written out: RFC 4120 §3.3.3.2. client and server are the realms before
// and behind them. Each comes once; neither client nor server is among them unless the field says so in full.
func (t Transited) Realms(client, server string) ([]string, error) {
	if len(t.Contents) == 0 {
		return nil, nil
	}
	if t.Type != transitedX500Compress || len(t.Contents) > MaxTransited*MaxString {
		return nil, ErrTransited
	}
	fields, err := transitedFields(string(t.Contents))
	if err != nil {
		return nil, err
	}
	var out []string
	add := func(realms ...string) {
		for _, x := range realms {
			if !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	}
	prev, shorthand, gap := client, "", false
	for i, f := range fields {
		if f.name == "" { // everything between its neighbours
			gap = true
			if i < len(fields)-1 {
				continue
			}
		}
		name := server
		if f.name != "" {
			name = f.expand(shorthand)
		}
		if gap {
			between, ok := between(prev, name)
			if !ok {
				return nil, ErrTransited
			}
			add(between...)
		}
		if f.name != "" {
			add(name)
			prev, shorthand, gap = name, name, false
		}
		if len(out) > MaxTransited || len(name) > MaxString {
			return nil, ErrTransited
		}
	}
	return out, nil
}

// transitedField is a name between commas, without quoting.
type transitedField struct {
	name    string
	prepend bool // it ended in a "."
	append  bool // it began with a "/"
}

func (f transitedField) expand(prev string) string {
	switch {
	case f.prepend:
		return f.name + prev
	case f.append:
		return prev + f.name
	}
	return f.name
}

func transitedFields(s string) ([]transitedField, error) {
	var out []transitedField
	var name []byte
	var f transitedField
	alone, quoted := false, false // the name began with a space; the octet before was quoted
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || s[i] == ',':
			f.name = string(name)
			f.prepend = strings.HasSuffix(f.name, ".") && !quoted
			out = append(out, f)
			name, f, alone, quoted = name[:0], transitedField{}, false, false
			if len(out) > 2*MaxTransited {
				return nil, ErrTransited
			}
		case s[i] == '\\':
			if i++; i == len(s) {
				return nil, ErrTransited
			}
			name, quoted = append(name, s[i]), true
		case s[i] == ' ' && len(name) == 0 && !alone && !quoted:
			alone = true
		default:
			f.append = f.append || s[i] == '/' && len(name) == 0 && !alone
			name, quoted = append(name, s[i]), false
		}
	}
	return out, nil
}

// between gives the realms on the way from one to another that lies above or below it; not ok if it does neither.
func between(a, b string) (list []string, ok bool) {
	if len(a) < len(b) {
		list, ok = between(b, a)
		slices.Reverse(list)
		return list, ok
	}
	if strings.HasPrefix(a, "/") {
		if a != b && !strings.HasPrefix(a, b+"/") {
			return nil, false
		}
		for i := strings.LastIndexByte(a, '/'); i > len(b); i = strings.LastIndexByte(a[:i], '/') {
			list = append(list, a[:i])
		}
		return list, true
	}
	if a != b && !strings.HasSuffix(a, "."+b) {
		return nil, false
	}
	for {
		i := strings.IndexByte(a, '.')
		if i < 0 || len(a)-i-1 <= len(b) {
			return list, true
		}
		a = a[i+1:]
		list = append(list, a)
	}
}

// With is the field with one realm more, as a KDC adds that which issued the ticket it was given (RFC 4120 §3.3.3.2). Names are written in
// full, which every reader understands.
func (t Transited) With(realm string) Transited {
	c := slices.Clone(t.Contents)
	if len(c) > 0 {
		c = append(c, ',')
	}
	if strings.HasPrefix(realm, "/") {
		c = append(c, ' ')
	}
	for i := range len(realm) {
		if x := realm[i]; x == ',' || x == '\\' || x == ' ' && i == 0 || x == '.' && i == len(realm)-1 {
			c = append(c, '\\')
		}
		c = append(c, realm[i])
	}
	return Transited{transitedX500Compress, c}
}
