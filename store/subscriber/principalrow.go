package subscriber

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"roam6/store/subscriber/principal"
)

const principalColumns = `name, realm, kind, secret, flags, max_life_s, max_renew_s, attributes, enabled, revision, created, changed`

var principalMarks = "(" + strings.Repeat("?, ", strings.Count(principalColumns, ",")) + "?)"

const principalByName = "SELECT " + principalColumns + " FROM principal WHERE name = ?"

// principalSeal is what a principal's keys are bound to. No NAI has a blank, so that no subscriber's key passes for a principal's.
func principalSeal(name string) string { return "principal " + name }

// putPrincipal writes a row, over that which is there.
func (d *DB) putPrincipal(ctx context.Context, tx *sql.Tx, p *principal.Principal, created, changed time.Time) error {
	attributes := p.Attributes
	if attributes == nil {
		attributes = []byte{}
	}
	secret := d.sealed(principalSeal(p.Name), principal.EncodeKeys(p.Keys))
	_, err := tx.ExecContext(ctx, d.text("INSERT INTO principal ("+principalColumns+") VALUES "+principalMarks+" ON CONFLICT (name) DO UPDATE SET "+overwriting(principalColumns)),
		p.Name, p.ID().Realm, string(p.Kind), secret, p.Flags.String(), int64(p.MaxLife/time.Second), int64(p.MaxRenew/time.Second),
		attributes, number(p.Enabled), int64(p.Revision), millis(created), millis(changed))
	return err
}

// findPrincipal reads one row.
func (d *DB) findPrincipal(ctx context.Context, q querier, name string) (*Principal, error) {
	return d.takenPrincipal(name, q.QueryRowContext(ctx, d.text(principalByName), name))
}

// takenPrincipal is what a row says, with keys.
func (d *DB) takenPrincipal(name string, row scanner) (*Principal, error) {
	p, secret, err := scanPrincipal(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, noPrincipal(name)
	}
	if err != nil {
		return nil, err
	}
	return p, d.unlockPrincipal(p, secret)
}

func (d *DB) unlockPrincipal(p *Principal, secret []byte) error {
	clear, err := d.unsealed(principalSeal(p.Name), secret)
	if err != nil {
		return err
	}
	if p.Keys, err = principal.DecodeKeys(clear); err == nil {
		err = p.Check()
	}
	if err != nil {
		return fmt.Errorf("the record of %s was altered: %w", p.Name, err)
	}
	return nil
}

func scanPrincipal(row scanner) (*Principal, []byte, error) {
	var (
		p                                                Principal
		realm, kind, flags                               string
		secret, attributes                               []byte
		life, renew, enabled, revision, created, changed int64
	)
	err := row.Scan(&p.Name, &realm, &kind, &secret, &flags, &life, &renew, &attributes, &enabled, &revision, &created, &changed)
	if err != nil {
		return nil, nil, err
	}
	if p.Flags, err = principal.ParseFlags(flags); err != nil {
		return nil, nil, fmt.Errorf("the record of %s was altered: %w", p.Name, err)
	}
	p.Kind, p.Enabled, p.Revision = principal.Kind(kind), enabled != 0, uint64(revision)
	p.MaxLife, p.MaxRenew = time.Duration(life)*time.Second, time.Duration(renew)*time.Second
	if len(attributes) > 0 {
		p.Attributes = slices.Clone(attributes)
	}
	p.Created, p.Changed = moment(created), moment(changed)
	return &p, secret, nil
}
