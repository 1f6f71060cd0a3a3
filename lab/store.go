//go:build linux

package lab

import (
	"cmp"
	"slices"
	"sync"

	"roam6/engine"
)

// memStore keeps what a node persists as long as the lab lives: through crashes and restarts of the node.
type memStore struct {
	mu      sync.Mutex
	records map[[2]string][]byte
}

func newMemStore() *memStore { return &memStore{records: map[[2]string][]byte{}} }

// Load gives all records, ordered by bucket and key.
func (s *memStore) Load() ([]engine.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]engine.Record, 0, len(s.records))
	for k, v := range s.records {
		out = append(out, engine.Record{Bucket: k[0], Key: k[1], Value: slices.Clone(v)})
	}
	slices.SortFunc(out, func(a, b engine.Record) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key))
	})
	return out, nil
}

// Put keeps a record; a nil value deletes it.
func (s *memStore) Put(bucket, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == nil {
		delete(s.records, [2]string{bucket, key})
	} else {
		s.records[[2]string{bucket, key}] = slices.Clone(value)
	}
	return nil
}
