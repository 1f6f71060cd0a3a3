package subscriber

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"roam6/store/subscriber/principal"
	"roam6/store/subscriber/profile"
)

// Tables that Ask knows.
const (
	TableSubscriber = profile.TableSubscriber // key: NAI or home address; gives the profile
	TableAccounting = profile.TableAccounting // key: anything; put a JSON Record
	TablePrincipal  = principal.Table         // key: name@REALM; gives the principal
)

// Ask serves an engine's Query: it reads, or with put writes, and gives octets. docs/subscribers.md says which. found is false for
// a subscriber or principal that is not there, or a key that none can have.
func (d *DB) Ask(ctx context.Context, table, key string, put []byte) (value []byte, found bool, err error) {
	switch {
	case table == TableSubscriber && put == nil:
		s, err := d.Lookup(ctx, key)
		if errors.Is(err, ErrNotFound) || errors.Is(err, errCheck) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		return profile.Encode(&s.Profile), true, nil
	case table == TablePrincipal && put == nil:
		p, err := d.LookupPrincipal(ctx, key)
		if errors.Is(err, ErrNoPrincipal) || errors.Is(err, errCheck) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		return principal.Encode(&p.Principal), true, nil
	case table == TableAccounting && put != nil:
		var r Record
		if err := json.Unmarshal(put, &r); err != nil {
			return nil, false, fmt.Errorf("accounting record: %w", err)
		}
		err := d.account(ctx, r)
		return nil, err == nil, err
	}
	return nil, false, fmt.Errorf("table %q cannot be asked so: %s and %s are read, %s is written", table, TableSubscriber, TablePrincipal, TableAccounting)
}
