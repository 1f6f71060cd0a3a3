package subscriber

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/store/subscriber/profile"
)

// ErrNoPrincipal and ErrPrincipal are of principals what ErrNotFound and ErrExists are of subscribers.
var (
	ErrNoPrincipal = errors.New("there is no such principal")
	ErrPrincipal   = errors.New("there is already a principal of this name")
)

// Principal is a principal and what the database notes of it. A subscriber of whom nothing but the long-term key is known has its times.
type Principal struct {
	principal.Principal
	Created, Changed time.Time
}

// firstVersion is that of a new service's keys.
const firstVersion = 1

// DrawKeys makes keys of a version at random, of the given encryption types, or of all.
func DrawKeys(version uint32, types []keys.EType) []principal.Key {
	if len(types) == 0 {
		types = keys.ETypes()
	}
	return principal.Drawn(version, types, time.Now(), func(b []byte) { rand.Read(b) })
}

// AddPrincipal enters a service. Without keys it gets new ones. ErrPrincipal tells that the name is taken.
func (d *DB) AddPrincipal(ctx context.Context, p *principal.Principal) error {
	if p.Kind != principal.Service {
		return checkError{fmt.Errorf("%s is a subscriber's name: who the subscribers are says `roam6 subscriber add`", p.Name)}
	}
	if len(p.Keys) == 0 {
		p.Add(DrawKeys(firstVersion, nil)...)
	}
	if err := p.Check(); err != nil {
		return checkError{err}
	}
	return d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		revision, err := d.raise(ctx, tx)
		if err != nil {
			return err
		}
		now := time.Now()
		p.Revision = revision
		if _, err = d.findPrincipal(ctx, tx, p.Name); !errors.Is(err, ErrNoPrincipal) {
			return errors.Join(err, ErrPrincipal)
		}
		return d.putPrincipal(ctx, tx, p, now, now)
	})
}

// LookupPrincipal finds a principal with its keys: a service, or a subscriber. ErrNoPrincipal if there is none.
func (d *DB) LookupPrincipal(ctx context.Context, name string) (*Principal, error) {
	name, err := principal.Canonical(name)
	if err != nil {
		return nil, checkError{err}
	}
	var p *Principal
	if d.path == "" {
		err = d.reading(ctx, func(ctx context.Context, q querier) error {
			p, err = d.whole(ctx, q, name)
			return err
		})
		return p, err
	}
	if nai, ok := principal.NAI(name); ok {
		return d.lookSubscriber(ctx, name, nai)
	}
	err = d.again(ctx, func(l pools) error {
		row, err := l.look(ctx, principalByName, name)
		if err == nil {
			p, err = d.takenPrincipal(name, row)
		}
		return err
	})
	return p, err
}

// subscriberJoined finds what Kerberos has to know of a subscriber by NAI, and whether its principal, by name, has a row too: few have. Each column costs as much as finding
// the row does.
const subscriberJoined = `SELECT s.secret, s.enabled, s.revision, s.created, s.changed, p.name
	FROM subscriber s LEFT JOIN principal p ON p.name = ? WHERE s.name = ?`

// lookSubscriber finds a subscriber's principal, mostly in one query: a KDC asks for each logon.
func (d *DB) lookSubscriber(ctx context.Context, name, nai string) (p *Principal, err error) {
	key, bad := Name(nai)
	if bad != nil {
		return joined(name, nil, nil, bad)
	}
	err = d.again(ctx, func(l pools) error {
		row, err := l.look(ctx, subscriberJoined, name, key)
		if err != nil {
			return err
		}
		var (
			secret                              []byte
			enabled, revision, created, changed int64
			has                                 sql.NullString
		)
		if err := row.Scan(&secret, &enabled, &revision, &created, &changed, &has); errors.Is(err, sql.ErrNoRows) {
			return noPrincipal(name)
		} else if err != nil {
			return err
		}
		var own *Principal
		if has.Valid {
			if row, err = l.look(ctx, principalByName, name); err != nil {
				return err
			}
			if own, err = d.takenPrincipal(name, row); err != nil && !errors.Is(err, ErrNoPrincipal) {
				return err
			}
		}
		s := &Subscriber{Created: moment(created), Changed: moment(changed)}
		s.NAI, s.Enabled, s.Revision = key, enabled != 0, uint64(revision)
		s.Key, bad = d.unsealed(key, secret)
		p, err = joined(name, own, s, bad)
		return err
	})
	return p, err
}

// whole reads a principal that is a service or a subscriber.
func (d *DB) whole(ctx context.Context, q querier, name string) (*Principal, error) {
	p, err := d.findPrincipal(ctx, q, name)
	if nai, ok := principal.NAI(name); ok && (err == nil || errors.Is(err, ErrNoPrincipal)) {
		s, bad := d.findSubscriber(ctx, q, nai)
		return joined(name, p, s, bad)
	}
	return p, err
}

// findSubscriber finds a subscriber by what may be an NAI.
func (d *DB) findSubscriber(ctx context.Context, q querier, nai string) (*Subscriber, error) {
	name, err := Name(nai)
	if err != nil {
		return nil, err
	}
	return d.find(ctx, q, name)
}

// joined is a subscriber as a principal: what its row says, if it has one, and the keys of both. A row without its subscriber is nobody.
func joined(name string, row *Principal, s *Subscriber, err error) (*Principal, error) {
	if errors.Is(err, ErrNotFound) || errors.Is(err, errCheck) {
		return nil, noPrincipal(name)
	}
	if err != nil {
		return nil, err
	}
	made, err := principal.OfSubscriber(&s.Profile)
	if err != nil || made.Name != name {
		return nil, noPrincipal(name) // an NAI in another form than its canonical one
	}
	if row == nil {
		return &Principal{*made, s.Created, s.Changed}, nil
	}
	row.Add(made.Keys...)
	row.Enabled = row.Enabled && s.Enabled
	row.Revision = max(row.Revision, s.Revision)
	return row, nil
}

func noPrincipal(name string) error { return fmt.Errorf("%s: %w", name, ErrNoPrincipal) }

// ChangePrincipal alters a principal: f gets it as it is, with keys, and may change all but name and kind. Of a subscriber f sees the keys of a
// password and not those made of the long-term key; whether it is served at all, its profile says.
func (d *DB) ChangePrincipal(ctx context.Context, name string, f func(*principal.Principal) error) error {
	name, err := principal.Canonical(name)
	if err != nil {
		return checkError{err}
	}
	return d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		revision, err := d.raise(ctx, tx)
		if err != nil {
			return err
		}
		now := time.Now()
		all, err := d.whole(ctx, tx, name) // a subscriber has to be one
		if err != nil {
			return err
		}
		p := all
		if all.Kind == principal.Subscriber {
			if p, err = d.findPrincipal(ctx, tx, name); errors.Is(err, ErrNoPrincipal) {
				fresh, _ := principal.Fresh(name) // Canonical has seen it
				p, err = &Principal{Principal: *fresh, Created: now}, nil
			}
			if err != nil {
				return err
			}
		}
		was, kind := p.Name, p.Kind
		if err := f(&p.Principal); err != nil {
			return checkError{err}
		}
		if err := p.Check(); err != nil {
			return checkError{err}
		}
		if p.Name != was || p.Kind != kind {
			return checkError{fmt.Errorf("the name of %s cannot be changed: add %s, then remove the other", was, p.Name)}
		}
		p.Revision = revision
		return d.putPrincipal(ctx, tx, &p.Principal, p.Created, now)
	})
}

// SetPassword gives a subscriber keys of a password, beside those of its long-term key and instead of those of an earlier password; an empty one takes
// them away. text is an NAI or a home address.
func (d *DB) SetPassword(ctx context.Context, text, password string) error {
	s, err := d.Lookup(ctx, text)
	if err != nil {
		return err
	}
	made, err := principal.OfSubscriber(&s.Profile)
	if err != nil {
		return checkError{err}
	}
	var fresh []principal.Key
	if password != "" { // before the database is locked: it takes some tenths of a second
		if fresh, err = principal.FromPassword(made.Name, 1, password, principal.PasswordRounds, keys.ETypes(), time.Now()); err != nil {
			return checkError{err}
		}
	}
	return d.ChangePrincipal(ctx, made.Name, func(p *principal.Principal) error {
		version := max(p.Newest(), principal.DerivedVersion) + 1
		p.Keys = nil
		for _, k := range fresh {
			k.Version = version
			p.Add(k)
		}
		return nil
	})
}

// RemovePrincipal takes a service out, and of a subscriber what it has beyond its long-term key: Kerberos goes on to know it.
func (d *DB) RemovePrincipal(ctx context.Context, name string) error {
	name, err := principal.Canonical(name)
	if err != nil {
		return checkError{err}
	}
	return d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := d.raise(ctx, tx); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, d.text("DELETE FROM principal WHERE name = ?"), name)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noPrincipal(name))
		}
		return nil
	})
}

// forget takes out what the table of principals has of a subscriber.
func (d *DB) forget(ctx context.Context, tx *sql.Tx, name string) error {
	p, err := principal.OfSubscriber(&profile.Profile{NAI: name, Key: make([]byte, profile.MinKey)})
	if err != nil {
		return nil // none was ever there
	}
	_, err = tx.ExecContext(ctx, d.text("DELETE FROM principal WHERE name = ?"), p.Name)
	return err
}
