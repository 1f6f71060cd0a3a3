// Package store keeps durable records: what an engine's Persist effects wrote, so that it can be given back at the next
// start. It knows no engine; values are octets owned by whoever wrote them.
//
//	Memory   for tests and the simulator: survives a Crash of the node, not of the process
//	File     a journal on disk: append, fsync, compact; many records by one write (PutAll)
//
// A Put has happened when it returns: File has synced it to the disk by then. After a power failure or a kill -9 at any
// moment, Load gives for every key either the value of the last Put that returned or, if a Put was cut short, that
// Put's. A torn end of the journal is cut off; anything else that does not check is an error that says what to do.
//
// Keys at rest: File seals every value, and its bucket and key names, with AES-256-GCM under a key it generates into a file
// beside the journal (mode 0600). This is what it is worth: a copy of the journal alone (a backup, a support bundle, a
// disk image without the key file) tells nothing but the number and size of records, and cannot be altered unnoticed.
// Who can read both files, such as root on the machine, can read everything. Cutting records off the end, or putting
// an old copy of the journal back, is not noticed: keep the directory writable to the service alone.
// A journal that is missing beside its key is noticed, and refused; so is a key that is missing beside its journal.
package store
