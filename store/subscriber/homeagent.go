package subscriber

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"strings"
)

// HomeAgent is one of the pool that subscribers are spread over.
type HomeAgent struct {
	Address  netip.Addr `json:"address"`
	Realm    string     `json:"realm"`
	Capacity int        `json:"capacity"` // mobile nodes it has room for
	Drained  bool       `json:"drained"`  // gets no new ones
}

// MaxPool is how many home agents of a realm are asked for.
const MaxPool = 4096

// SetHomeAgent enters or replaces a home agent.
func (d *DB) SetHomeAgent(ctx context.Context, h HomeAgent) error {
	h.Realm = strings.ToLower(h.Realm)
	if !h.Address.Is6() || h.Address.Zone() != "" || h.Realm == "" || h.Capacity < 0 {
		return checkError{fmt.Errorf("home agent %v of realm %q with capacity %d: an IPv6 address, a realm, and 0 or more are allowed", h.Address, h.Realm, h.Capacity)}
	}
	return d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := d.raise(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, d.text(`INSERT INTO home_agent (address, realm, capacity, drained) VALUES (?, ?, ?, ?)
			ON CONFLICT (address) DO UPDATE SET realm = excluded.realm, capacity = excluded.capacity, drained = excluded.drained`),
			h.Address.String(), h.Realm, h.Capacity, number(h.Drained))
		return err
	})
}

// RemoveHomeAgent takes one out of the pool; one that is not there is no error.
func (d *DB) RemoveHomeAgent(ctx context.Context, a netip.Addr) error {
	return d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := d.raise(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, d.text("DELETE FROM home_agent WHERE address = ?"), a.String())
		return err
	})
}

// HomeAgents gives a realm's pool in the order of addresses' texts, at most MaxPool of them.
func (d *DB) HomeAgents(ctx context.Context, realm string) ([]HomeAgent, error) {
	var list []HomeAgent
	err := d.reading(ctx, func(ctx context.Context, q querier) error {
		list = nil
		rows, err := q.QueryContext(ctx, d.text("SELECT address, realm, capacity, drained FROM home_agent WHERE realm = ? ORDER BY address LIMIT ?"),
			strings.ToLower(realm), MaxPool)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var h HomeAgent
			var text string
			var drained int64
			if err := rows.Scan(&text, &h.Realm, &h.Capacity, &drained); err != nil {
				return err
			}
			if h.Address, err = netip.ParseAddr(text); err != nil {
				return fmt.Errorf("the record of home agent %q was altered: %w", text, err)
			}
			h.Drained = drained != 0
			list = append(list, h)
		}
		return rows.Err()
	})
	return list, err
}
