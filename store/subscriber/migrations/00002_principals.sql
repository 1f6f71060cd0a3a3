-- Principals of Kerberos: services, and of subscribers what goes beyond their long-term key.

-- +goose Up
CREATE TABLE principal (
	name        TEXT-C PRIMARY KEY,    -- name@REALM
	realm       TEXT-C NOT NULL,
	kind        TEXT-C NOT NULL,       -- service or subscriber
	secret      BYTEA NOT NULL,        -- keys with their versions, sealed
	flags       TEXT-C NOT NULL,       -- names with commas between them
	max_life_s  BIGINT NOT NULL,
	max_renew_s BIGINT NOT NULL,
	attributes  BYTEA NOT NULL,
	enabled     BIGINT NOT NULL,
	revision    BIGINT NOT NULL,
	created     BIGINT NOT NULL,
	changed     BIGINT NOT NULL
);
CREATE INDEX principal_realm ON principal (realm, name);

-- +goose Down
DROP TABLE principal;
