package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"roam6/driver"
	"roam6/engine"
	"roam6/node"
	"roam6/store/subscriber"
)

// certificateAge is how long a certificate is believed to be what its file holds: one that was renewed is shown from the next connection
// after that on, without a restart.
const certificateAge = 10 * time.Second

// tlsProfiles are a configuration's profiles as the driver takes them. Everything is read once before the node starts, so that a
// mistake is told then.
func tlsProfiles(list []node.TLSConfig) (map[string]*tls.Config, error) {
	var errs []error
	out := map[string]*tls.Config{}
	for _, c := range list {
		p, err := tlsProfile(c)
		if err != nil {
			errs = append(errs, fmt.Errorf("tls profile %s: %w", c.Name, err))
		}
		out[c.Name] = p
	}
	return out, usage(errors.Join(errs...))
}

func tlsProfile(c node.TLSConfig) (*tls.Config, error) {
	at, err := os.Stat(c.Key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if at.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key: %s can be read by others; chmod 600 %s", c.Key, c.Key)
	}
	shown := &certificate{files: c}
	if _, err := shown.load(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(c.Authorities)
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("authorities: %s has no certificate; PEM is expected, lines between BEGIN CERTIFICATE and END CERTIFICATE", c.Authorities)
	}
	return &tls.Config{
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return shown.load() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown.load() },
		RootCAs:              pool, ClientCAs: pool,
	}, nil
}

// certificate is a certificate in files, which may be renewed while the node runs.
type certificate struct {
	files node.TLSConfig
	mu    sync.Mutex
	read  time.Time
	cert  *tls.Certificate
}

// load gives the certificate. Files that cannot be read while they are being replaced leave the one before in use.
func (c *certificate) load() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cert != nil && time.Since(c.read) < certificateAge {
		return c.cert, nil
	}
	pair, err := tls.LoadX509KeyPair(c.files.Certificate, c.files.Key)
	c.read = time.Now()
	switch {
	case err == nil:
		c.cert = &pair
	case c.cert == nil && errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("certificate: %w", err)
	case c.cert == nil:
		return nil, fmt.Errorf("certificate %s and key %s: %w", c.files.Certificate, c.files.Key, err)
	}
	return c.cert, nil
}

// openDatabase opens a node's database and gives the tables that its engines ask; both are nil without one.
func openDatabase(c *node.DatabaseConfig) (*subscriber.DB, queryFunc, error) {
	if c == nil {
		return nil, nil, nil
	}
	db, err := subscriber.Open(c.At, c.Key)
	switch {
	case errors.Is(err, subscriber.ErrURL), errors.Is(err, subscriber.ErrNone):
		return nil, nil, usagef("database: %s: %w; `roam6 subscriber add --db %s` makes one", c.At, err, c.At)
	case err != nil:
		return nil, nil, lacks(fmt.Errorf("database: %w", err))
	}
	return db, tables(db), nil
}

// queryFunc is driver.Config.Query.
type queryFunc = func(ctx context.Context, table, key string, put []byte) ([]byte, error)

// tables serves engines' queries from a database.
func tables(db *subscriber.DB) queryFunc {
	return func(ctx context.Context, table, key string, put []byte) ([]byte, error) {
		value, found, err := db.Ask(ctx, table, key, put)
		if err == nil && !found {
			err = driver.QueryError(engine.ErrNotFound)
		}
		return value, err
	}
}
