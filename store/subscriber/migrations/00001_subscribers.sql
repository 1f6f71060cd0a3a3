-- One text for SQLite and PostgreSQL. "TEXT-C" becomes a text that both compare by octets (migrate.go).
-- Times are milliseconds since 1970. Addresses are in their canonical text form (RFC 5952).

-- +goose Up
CREATE TABLE meta (
	name  TEXT-C PRIMARY KEY,
	value BYTEA,
	count BIGINT NOT NULL DEFAULT 0
);
INSERT INTO meta (name) VALUES ('revision');

CREATE TABLE subscriber (
	name               TEXT-C PRIMARY KEY,    -- the NAI in canonical form, or the home address where there is none
	realm              TEXT-C NOT NULL,
	home_address       TEXT-C UNIQUE,
	secret             BYTEA NOT NULL,        -- the long-term key, sealed
	home_agents        TEXT-C NOT NULL,       -- addresses with blanks between them
	home_agent         TEXT-C NOT NULL,
	address_from       TEXT-C NOT NULL,
	visited_home_agent BIGINT NOT NULL,
	eap_identity       TEXT-C NOT NULL,
	max_sessions       BIGINT NOT NULL,
	session_s          BIGINT NOT NULL,
	enabled            BIGINT NOT NULL,
	revision           BIGINT NOT NULL,
	created            BIGINT NOT NULL,
	changed            BIGINT NOT NULL
);
CREATE INDEX subscriber_realm ON subscriber (realm, name);

CREATE TABLE accounting (
	session      TEXT-C NOT NULL,
	number       BIGINT NOT NULL,
	kind         TEXT-C NOT NULL,
	at           BIGINT NOT NULL,
	name         TEXT-C NOT NULL,
	home_address TEXT-C NOT NULL,
	care_of      TEXT-C NOT NULL,
	home_agent   TEXT-C NOT NULL,
	origin       TEXT-C NOT NULL,
	network      TEXT-C NOT NULL,       -- whose peer sent it: each network has records of its own
	seconds      BIGINT NOT NULL,
	octets_up    BIGINT NOT NULL,
	octets_down  BIGINT NOT NULL,
	packets_up   BIGINT NOT NULL,
	packets_down BIGINT NOT NULL,
	result       BIGINT NOT NULL,
	PRIMARY KEY (session, number, network, name)
);
CREATE INDEX accounting_at ON accounting (at, session, number, network, name);
CREATE INDEX accounting_name ON accounting (name, at, session, number, network);

-- +goose Down
DROP TABLE accounting;
DROP TABLE subscriber;
DROP TABLE meta;
