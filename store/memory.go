package store

import "sync"

// Memory is a Store that lives as long as the process. The zero Memory is ready.
type Memory struct {
	mu      sync.Mutex
	records map[name][]byte
	closed  bool
}

// Load gives all records.
func (m *Memory) Load() ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	return sorted(m.records), nil
}

// Put writes a record.
func (m *Memory) Put(bucket, key string, value []byte) error {
	if err := check(bucket, key, value); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return ErrClosed
	case value == nil:
		delete(m.records, name{bucket, key})
	default:
		if m.records == nil {
			m.records = make(map[name][]byte)
		}
		m.records[name{bucket, key}] = append([]byte{}, value...)
	}
	return nil
}

// PutAll writes many records.
func (m *Memory) PutAll(records []Record) error {
	for _, r := range records {
		if err := m.Put(r.Bucket, r.Key, r.Value); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the store; Reopen brings it back.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// Reopen makes a closed Memory usable again with its records, as a restarted node finds its disk.
func (m *Memory) Reopen() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = false
}
