// Package conf reads configuration written in YAML, strictly, and says of every mistake where it is, what stands there
// and what would be allowed.
//
//	text ──Parse──▶ Doc ──Decode──▶ struct ──(the room's own checks)──▶ Doc.Fail(path, value, allowed)
//
// Structs name their keys with the tag `yaml:"key"` or `yaml:"key,required"`; a field without it is not a key. The tag
// `doc:"…"` describes a key in the JSON schema, and `allowed:"a|b"` lists the words a string may be; Decode refuses others.
// A key that no field has is an error; it lists the keys there are and the nearest one. All problems are reported at once.
//
// Values: text, booleans, numbers (0x is hexadecimal), durations ("30ms"), everything that reads itself from text
// (netip.Addr, netip.Prefix, Hex), lists, maps from text, structs. A scalar decoded into text is taken as it is written, so
// an unquoted key of hexadecimal digits that YAML would take for a number stays what it is.
//
// Left out on purpose: anchors, aliases, merge keys, tags, several documents in one file. They let a file mean other than
// what stands at the line an error names, and a few hundred octets grow to gigabytes.
package conf
