package nd

import "roam6/wire/subopt"

// takeHandover leaves an option that is not ours, and a second one, among the unknown.
func (o *Options) takeHandover(opt []byte) bool {
	if o.Handover != nil {
		return false
	}
	h, ours := ParseHandover(opt)
	if ours {
		o.Handover = &h
	}
	return ours
}

// ParseHandover reads an option OptExperiment from its type on. Everybody's experiments share this type (RFC 4727), so one that is not
// ours, or has a suboption of ours that is not right, is no error. A message with one of more than MaxRawData octets (subopt.Handover.Len)
// must not be written.
//
// spec RT-31 RT-37 RT-41 FH-17
func ParseHandover(opt []byte) (h subopt.Handover, ours bool) {
	if len(opt) < 2 || opt[0] != OptExperiment {
		return h, false
	}
	h, err := subopt.ParseHandover("nd", opt[2:], 0)
	return h, err == nil && !h.IsZero()
}
