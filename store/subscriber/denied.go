package subscriber

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// What access(2) is asked for.
const (
	mayRead  = 4
	mayWrite = 2
	mayEnter = 1
)

// SQLSTATE of PostgreSQL, appendix A of its manual.
const (
	invalidAuthorization  = "28" // a class: no such role, wrong password
	insufficientPrivilege = "42501"
)

// denied makes an error that is for want of rights one that is fs.ErrPermission and names what they are wanted for: SQLite says of a file that may
// not be written, or whose directory may not, only that it could not be opened.
func (d *DB) denied(err error) error {
	if errors.Is(err, ErrNone) || errors.Is(err, ErrURL) || errors.Is(err, ErrLink) {
		return err
	}
	if d.path == "" {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && (strings.HasPrefix(pg.Code, invalidAuthorization) || pg.Code == insufficientPrivilege) {
			return fmt.Errorf("%s: %s: %w", d.where, pg.Message, fs.ErrPermission)
		}
		return err
	}
	for _, want := range []struct {
		path string
		mode uint32
	}{{d.path, mayRead | mayWrite}, {d.keyFile, mayRead}, {filepath.Dir(d.path), mayWrite | mayEnter}} {
		if syscall.Access(want.path, want.mode) == syscall.EACCES {
			return fmt.Errorf("%s: %w", want.path, fs.ErrPermission)
		}
	}
	return err
}
