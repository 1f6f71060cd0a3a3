//go:build !unix

package store

import (
	"errors"
	"os"
)

func acquire(string) (*os.File, error) {
	return nil, errors.New("store: a durable store needs a system with flock; use Memory here")
}
