package subscriber

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"roam6/store/subscriber/principal"
)

// ListPrincipals gives a page, in the order of names by octets: services, and subscribers that have more than their long-term key. Realms are compared
// as they are. The next page is after the last one's name.
func (d *DB) ListPrincipals(ctx context.Context, page Page) ([]*Principal, error) {
	where, args := "name > ?", []any{page.After}
	if page.Realm != "" {
		where, args = "realm = ? AND name > ?", []any{page.Realm, page.After}
	}
	args = append(args, max(0, min(page.Limit, PageMax)))
	var list []*Principal
	err := d.reading(ctx, func(ctx context.Context, q querier) error {
		list = nil
		rows, err := q.QueryContext(ctx, d.text("SELECT "+principalColumns+" FROM principal WHERE "+where+" ORDER BY name LIMIT ?"), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			p, secret, err := scanPrincipal(rows)
			if err == nil {
				err = d.unlockPrincipal(p, secret)
			}
			if err != nil {
				return err
			}
			list = append(list, p)
		}
		return rows.Err()
	})
	return list, err
}

// LoadPrincipals enters services with their keys, all or none of them, at most BulkMax. Of one that is there the keys alone are taken, beside those it
// has; made is how many were not there.
func (d *DB) LoadPrincipals(ctx context.Context, list []*principal.Principal) (made int, err error) {
	if len(list) > BulkMax {
		return 0, fmt.Errorf("subscriber: LoadPrincipals of %d; at most %d", len(list), BulkMax)
	}
	for _, p := range list {
		if err := p.Check(); err != nil {
			return 0, checkError{err}
		}
		if p.Kind != principal.Service || len(p.Keys) == 0 {
			return 0, checkError{fmt.Errorf("%s: a service with keys is allowed", p.Name)}
		}
	}
	err = d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		made = 0
		revision, err := d.raise(ctx, tx)
		if err != nil {
			return err
		}
		now := time.Now()
		for _, p := range list {
			have, err := d.findPrincipal(ctx, tx, p.Name)
			switch {
			case errors.Is(err, ErrNoPrincipal):
				have, made = &Principal{Principal: *p, Created: now}, made+1
			case err != nil:
				return err
			default:
				have.Add(p.Keys...)
			}
			have.Revision = revision
			if err := d.putPrincipal(ctx, tx, &have.Principal, have.Created, now); err != nil {
				return err
			}
		}
		return nil
	})
	return made, err
}
