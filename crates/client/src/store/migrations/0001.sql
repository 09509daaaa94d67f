-- MLS state, channel state and the submit counter: opaque to everything but enlace-channel.
CREATE TABLE state (
    key   BLOB PRIMARY KEY,
    value BLOB NOT NULL
);

CREATE TABLE channels (
    id         BLOB PRIMARY KEY CHECK (length(id) = 32),
    hub        TEXT NOT NULL,
    title      TEXT NOT NULL,
    standing   TEXT NOT NULL,
    stopped    TEXT,             -- why its log is no longer taken in
    head       BLOB,             -- the newest signed head that was verified
    joined_at  INTEGER NOT NULL,
    updated_at INTEGER NOT NULL  -- when this device last renewed its keys here
);

-- What proves order and completeness; payloads of commits only.
CREATE TABLE items (
    channel         BLOB NOT NULL REFERENCES channels (id),
    seq             INTEGER NOT NULL,
    received_at     INTEGER NOT NULL,
    envelope        BLOB NOT NULL,
    outer_signature BLOB NOT NULL,
    list_change     BLOB,
    chain           BLOB NOT NULL,
    payload         BLOB,
    PRIMARY KEY (channel, seq)
);

CREATE TABLE entries (
    channel      BLOB NOT NULL REFERENCES channels (id),
    seq          INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    author       TEXT NOT NULL,
    client_id    BLOB NOT NULL,
    kind         INTEGER NOT NULL,
    local_time   INTEGER NOT NULL,
    handling     INTEGER NOT NULL,
    body         TEXT NOT NULL,  -- to be shown
    signed       BLOB NOT NULL,  -- header, signature, salt and parts: enlace.channel.v1.Entry
    certificates BLOB NOT NULL,  -- of the author: SHA-256 of the leaf
    PRIMARY KEY (channel, seq),
    UNIQUE (channel, author, client_id)
);

-- Authors' chains, so that an entry can be verified years later.
CREATE TABLE certificates (
    fingerprint BLOB PRIMARY KEY,
    leaf        BLOB NOT NULL,
    issuing     BLOB NOT NULL
);

CREATE TABLE notices (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    channel BLOB,
    seq     INTEGER,
    at      INTEGER NOT NULL,
    detail  TEXT NOT NULL        -- JSON
);
CREATE INDEX notices_by_channel ON notices (channel, id);

CREATE TABLE outbox (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id    BLOB NOT NULL UNIQUE,
    channel      BLOB NOT NULL,
    task         TEXT NOT NULL,  -- JSON: what is to be sent
    signed       BLOB,           -- of an entry: as enlace.channel.v1.Entry
    sealed       BLOB,           -- SubmitRequest, ready to be sent again
    sealed_fence INTEGER,        -- the fence in it; -1 for none
    state        TEXT NOT NULL,  -- queued, accepted, failed
    seq          INTEGER,
    reason       TEXT,
    attempts     INTEGER NOT NULL DEFAULT 0,
    not_before   INTEGER NOT NULL DEFAULT 0,
    automatic    INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL
);
CREATE INDEX outbox_by_state ON outbox (state, position);
CREATE INDEX outbox_unlogged ON outbox (channel) WHERE signed IS NOT NULL;

-- Those that this device joined by.
CREATE TABLE welcomes (
    digest BLOB PRIMARY KEY
);

-- Refusals of which the officer was told lately. They decide about notices, never about welcomes.
CREATE TABLE refused_welcomes (
    hub        TEXT NOT NULL,    -- empty where none of the network was named
    channel    BLOB NOT NULL,
    seq        INTEGER NOT NULL,
    refused_at INTEGER NOT NULL,
    PRIMARY KEY (hub, channel, seq)
);

CREATE TABLE head_certificates (
    hub     TEXT NOT NULL,
    signer  BLOB NOT NULL,
    key     BLOB NOT NULL,
    leaf    BLOB NOT NULL,
    issuing BLOB NOT NULL,
    PRIMARY KEY (hub, signer)
);

CREATE TABLE key_packages (
    reference   BLOB PRIMARY KEY,
    suite       INTEGER NOT NULL,
    last_resort INTEGER NOT NULL,
    message     BLOB,            -- until it is published
    made_at     INTEGER NOT NULL
);

-- Revocation lists and endpoint records, as received.
CREATE TABLE documents (
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
