// Package subscriber is the subscriber database of a home domain's AAA server (AAAh): who the users are and what they may,
// and the accounting records of their sessions.
//
//	SQLite       a file, by default; pure Go, opened by several processes at a time (WAL)
//	PostgreSQL   postgres://user@host/name
//
// Both have one schema (migrations/, brought up to date by Open) and pass one suite of tests. A write is durable when it returns:
// SQLite runs with synchronous=FULL.
//
// Long-term keys are sealed with AES-256-GCM under a key file (package store says what that is worth) and bound to their subscriber's
// name, so that a copy of the database alone tells no key and a key moved to another row does not open. For SQLite the key file
// is FILE.key beside the database unless named; for PostgreSQL it has to be named.
//
// Every change raises the database's revision (Revision): what was looked up at the present revision holds.
//
// A database that is gone gives errors, and answers again by itself when it is back: connections are made anew, a SQLite file that
// was put back or replaced is opened anew. Single operations wait at most Wait.
//
// Profiles reach roles as octets: package profile, and Ask, which serves an engine's Query. docs/subscribers.md has the forms.
package subscriber
