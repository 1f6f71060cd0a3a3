package store

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	keySuffix = ".key"
	masterLen = 32
)

// loadKey reads the key file. Beside an empty journal it makes it: the first start comes so far without one (File.find).
func loadKey(path, journal string, empty bool) ([]byte, error) {
	master, err := LoadKey(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && empty:
		return MakeKey(path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("store: %s is missing, and without it nobody can read %s. Restore it from a backup (it never "+
			"changes), or give mobile nodes and home agents new keys, then move the journal away to start empty", path, journal)
	}
	return master, err
}

// LoadKey reads a key file: 32 octets in hexadecimal, for its owner's eyes only. A missing one is fs.ErrNotExist.
func LoadKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("store: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("store: %s may be read or written by others (mode %04o): run chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	master, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(master) != masterLen {
		return nil, fmt.Errorf("store: %s does not hold %d octets in hexadecimal; restore it from a backup", path, masterLen)
	}
	return master, nil
}

// MakeKey draws a key and writes its file. A file that another process has made meanwhile stays as it is, for something may be sealed under it
// already: then that key is given.
func MakeKey(path string) ([]byte, error) {
	master := make([]byte, masterLen)
	rand.Read(master)
	err := linkNew(path, []byte(hex.EncodeToString(master)+"\n"))
	if errors.Is(err, fs.ErrExist) {
		return LoadKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("store: making the key file: %w", err)
	}
	return master, nil
}

// linkNew writes a file for its owner's eyes only beside path, syncs it, and gives it that name unless there is a file of that name: fs.ErrExist.
func linkNew(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
