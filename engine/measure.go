package engine

import "roam6/plane"

// Measure asks what a meter of the plane (plane.Meter) has counted: answered by exactly one Measured with the same ID and Key, in any
// order. Thousands may be asked at once: a world reads its kernel once for all that were asked together.
type Measure struct {
	ID  uint64         `json:"id"`
	Key plane.MeterKey `json:"key"`
}

// Measured answers a Measure: what was sent on from the address, and to it, since the meter is there. No later answer says less. The
// last one before a meter goes away is that of a Measure before the Op that deletes it, in one list of effects too.
//
// Err is empty, ErrNotFound where there is no such meter, or ErrFailed where the world could not read what its kernel has counted:
// then the counts are the least that they may be.
type Measured struct {
	ID   uint64         `json:"id"`
	Key  plane.MeterKey `json:"key"`
	Up   plane.Count    `json:"up"`
	Down plane.Count    `json:"down"`
	Err  string         `json:"err,omitempty"`
}

// Measure appends a Measure.
func (e *Effects) Measure(id uint64, key plane.MeterKey) {
	e.List = append(e.List, Measure{ID: id, Key: key})
}
