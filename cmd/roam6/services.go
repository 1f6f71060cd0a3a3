package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"roam6/driver"
	"roam6/engine"
	"roam6/node"
	"roam6/store/subscriber"
	"roam6/store/subscriber/profile"
)

// openDatabase opens a node's database and gives the tables that its engines ask; both are nil without one.
func openDatabase(c *node.Config) (*subscriber.DB, queryFunc, error) {
	if c.Database == nil {
		return nil, nil, nil
	}
	db, err := subscriber.Open(c.Database.At, databaseKey(c.Database))
	if err != nil {
		return nil, nil, noDatabase(c, err)
	}
	return db, tables(db), nil
}

// databaseKey is the file of the key that seals what is in a database, "" for the one beside it.
func databaseKey(d *node.DatabaseConfig) string {
	if d.Key == "" {
		return ""
	}
	return credential(d.Key)
}

// noDatabase says where in the configuration a database is named that cannot be used, why, and what to do.
func noDatabase(c *node.Config, err error) error {
	at, key := "database.at", c.Database.At
	switch {
	case errors.Is(err, subscriber.ErrURL):
		return usage(c.Wrong(at, key, err.Error()))
	case errors.Is(err, subscriber.ErrNone):
		return usage(c.Wrong(at, key, "is not there; `"+strings.TrimSuffix("roam6 subscriber add --db "+key, " --db "+subscriberDB)+"` makes one"))
	case errors.Is(err, fs.ErrPermission):
		return lacks(c.Wrong(at, key, "may not be read and written by this user: "+err.Error()+"; use sudo; under systemd it belongs into /var/lib/roam6/aaa, which the unit gives to the node"))
	}
	return lacks(c.Wrong(at, key, "cannot be used: "+err.Error()))
}

// checkDatabase says what is true of a node's database, and touches nothing.
func checkDatabase(ctx context.Context, c *node.Config) (says string, err error) {
	if c.Database == nil {
		return "", nil
	}
	l, err := subscriber.Look(ctx, c.Database.At, databaseKey(c.Database))
	if err != nil {
		return "", noDatabase(c, err)
	}
	says = fmt.Sprintf("database %s: schema %d", l.Where, l.Schema)
	if l.Schema < l.Knows {
		says += fmt.Sprintf(", which `roam6 node run` brings up to %d", l.Knows)
	}
	if l.MakesKey {
		says += "; the key file " + l.KeyFile + " is not there yet, and is made at the first use"
	}
	return says, nil
}

// queryFunc is driver.Config.Query.
type queryFunc = func(ctx context.Context, table, key string, put []byte) ([]byte, error)

// tables serves engines' queries from a database.
func tables(db *subscriber.DB) queryFunc {
	return func(ctx context.Context, table, key string, put []byte) ([]byte, error) {
		value, found, err := db.Ask(ctx, table, key, put)
		switch {
		case errors.Is(err, subscriber.ErrDiffers):
			err = driver.QueryError(profile.ErrDiffers)
		case err == nil && !found:
			err = driver.QueryError(engine.ErrNotFound)
		}
		return value, err
	}
}
