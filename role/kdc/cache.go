package kdc

import (
	"container/list"

	"roam6/engine"
	keys "roam6/keying/krb5"
	lk "roam6/keying/lwkrb"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// account is a principal of the database, its keys ready for use.
type account struct {
	name string // name@REALM
	p    *principal.Principal
	rows []*row // the newest version first, of one the strongest type
}

// row is one key.
type row struct {
	kvno  uint32
	etype keys.EType
	from  principal.Key  // what its key is made of
	own   keys.Key       // made when first needed: of four a logon needs one
	info  krb5.ETypeInfo // how its owner makes it of a password
	light lk.Key         // for lightweight tickets, made when first needed
	lit   bool
}

func newAccount(name string, p *principal.Principal) *account {
	a := &account{name: name, p: p}
	rows := make([]row, len(p.Keys))
	a.rows = make([]*row, len(p.Keys))
	for i, k := range p.Keys {
		info := krb5.ETypeInfo{EType: int32(k.EType), Salt: k.Salt, HasSalt: k.Password(), Params: k.Params}
		rows[i] = row{kvno: k.Version, etype: k.EType, from: k, info: info}
		a.rows[i] = &rows[i]
	}
	return a
}

// key is the key, which keeps what is derived from it.
func (r *row) key() keys.Key {
	if !r.own.Valid() {
		k, err := r.from.Protocol()
		if err != nil {
			panic(err) // Decode has checked it
		}
		r.own = k
	}
	return r.own
}

// best is the key that tickets are sealed under, nil if there is none.
func (a *account) best() *row {
	if len(a.rows) == 0 {
		return nil
	}
	return a.rows[0]
}

// of is the newest key of an encryption type, nil if there is none.
func (a *account) of(etype int32) *row {
	for _, r := range a.rows {
		if int32(r.etype) == etype {
			return r
		}
	}
	return nil
}

// own are the keys of an encryption type by which a client shows who it is, the newest first. A subscriber may have one in its mobile node and a password in its
// head; a service that has a new one does not use the old one any longer.
func (a *account) own(etype int32) (list []*row) {
	for _, r := range a.rows {
		if int32(r.etype) == etype && (a.p.Kind == principal.Subscriber || r.kvno == a.rows[0].kvno) {
			list = append(list, r)
		}
	}
	return list
}

// version is the key of a version and type; any version if kvno is 0. any says whether there is a key of that type at all.
func (a *account) version(kvno uint32, etype int32) (r *row, any bool) {
	for _, r := range a.rows {
		if int32(r.etype) != etype {
			continue
		}
		if any = true; kvno == 0 || r.kvno == kvno {
			return r, true
		}
	}
	return nil, any
}

// lightweight is the key as lightweight Kerberos derives its own from it.
func (r *row) lightweight(name string) (lk.Key, bool) {
	if !r.lit {
		k, err := lk.NewKey(name, r.kvno, uint8(r.etype), r.from.Octets)
		if err != nil {
			return lk.Key{}, false
		}
		r.light, r.lit = k, true
	}
	return r.light, true
}

// accounts remembers what the database said of principals, the one not asked for longest forgotten first. Requests that work with one keep it, so
// its keys are not overwritten when it is forgotten.
type accounts struct {
	by    map[string]*list.Element
	order list.List // of *kept; the front was asked for last
}

type kept struct {
	at engine.Mono
	a  *account
}

func (c *accounts) get(now engine.Mono, name string) *account {
	e := c.by[name]
	if e == nil {
		return nil
	}
	k := e.Value.(*kept)
	if now.Sub(k.at) > MaxAccountAge {
		c.forget(e)
		return nil
	}
	c.order.MoveToFront(e)
	return k.a
}

func (c *accounts) put(now engine.Mono, a *account) {
	if e := c.by[a.name]; e != nil {
		c.forget(e)
	}
	if c.order.Len() >= MaxAccounts {
		c.forget(c.order.Back())
	}
	if c.by == nil {
		c.by = map[string]*list.Element{}
	}
	c.by[a.name] = c.order.PushFront(&kept{now, a})
}

func (c *accounts) forget(e *list.Element) {
	delete(c.by, c.order.Remove(e).(*kept).a.name)
}

// clear forgets all: the command "forget".
func (c *accounts) clear() {
	c.by = nil
	c.order.Init()
}
