package subscriber

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrLink says that a file is a link where root follows none.
var ErrLink = errors.New("root follows no links in a directory that others can write to; remove it, or run this as the directory's user")

// ownFiles makes sure that none of a database's files is a link that somebody else may have put there: root would make, or write over, the file
// that it names.
func (d *DB) ownFiles() error {
	for _, path := range []string{d.path, d.keyFile} {
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) { // somebody else's link on the way leads as far
			if err := noLink(dir); err != nil {
				return err
			}
		}
	}
	for _, path := range []string{d.path, d.path + "-wal", d.path + "-shm", d.path + "-journal", d.keyFile} {
		if err := noLink(path); err != nil {
			return err
		}
	}
	return nil
}

// others reports whether this is root and others can write to the directory of a file.
func others(path string) (bool, error) {
	if os.Geteuid() != 0 {
		return false, nil
	}
	above, err := os.Stat(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return above.Sys().(*syscall.Stat_t).Uid != 0 || above.Mode().Perm()&0o022 != 0, nil
}

// noLink refuses a symbolic link, or one of several names of a file, in a directory that others can write to.
func noLink(path string) error {
	if foreign, err := others(path); err != nil || !foreign {
		return err
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0, info.Mode().IsRegular() && info.Sys().(*syscall.Stat_t).Nlink != 1:
		return fmt.Errorf("%s is a link: %w", path, ErrLink)
	}
	return nil
}
