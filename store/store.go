package store

import (
	"cmp"
	"errors"
	"slices"
)

// Record is one durable record.
type Record struct {
	Bucket, Key string
	Value       []byte
}

// Store keeps records by bucket and key. All methods may be called from several goroutines.
type Store interface {
	// Load gives all records, ordered by bucket and key.
	Load() ([]Record, error)
	// Put writes a record durably; a nil value deletes it. When it returns nil, the record survives any crash.
	Put(bucket, key string, value []byte) error
	// PutAll writes many records at once: when it returns nil, all survive any crash. When it does not, or does not return,
	// some may have happened, the first ones before the later.
	PutAll(records []Record) error
	// Close releases the store. Later calls give ErrClosed.
	Close() error
}

// Limits of one record, in octets.
const (
	MaxName  = 1 << 10 // bucket, and key, each
	MaxValue = 1 << 20
)

// Errors of every Store.
var (
	ErrClosed  = errors.New("store: closed")
	ErrTooLong = errors.New("store: bucket or key over 1 KiB, or value over 1 MiB")
)

type name struct{ bucket, key string }

func check(bucket, key string, value []byte) error {
	if len(bucket) > MaxName || len(key) > MaxName || len(value) > MaxValue {
		return ErrTooLong
	}
	return nil
}

func sorted(m map[name][]byte) []Record {
	recs := make([]Record, 0, len(m))
	for n, v := range m { //order:any
		recs = append(recs, Record{n.bucket, n.key, append([]byte{}, v...)})
	}
	slices.SortFunc(recs, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key))
	})
	return recs
}
