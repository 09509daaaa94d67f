-- Integers that the protocol has as u64 are stored as the i64 of the same bits.
CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    incarnation INTEGER NOT NULL
) STRICT;
INSERT INTO store VALUES (1, 0);

CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    channel BLOB NOT NULL UNIQUE,
    hub TEXT NOT NULL,
    nonce BLOB NOT NULL,            -- with the creating hub, what the channel's id is derived from
    role INTEGER NOT NULL,          -- 1 hub, 2 follower
    generation INTEGER NOT NULL,
    tail_seq INTEGER NOT NULL,
    tail_chain BLOB NOT NULL,
    tail_received_at INTEGER NOT NULL,
    fence INTEGER
) STRICT;

CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    officer TEXT NOT NULL,
    submit_counter INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX devices_by_officer ON devices (officer);

-- In the order of acceptance, so that a group commit over many channels writes few pages.
CREATE TABLE items (
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    outer_signature BLOB NOT NULL,
    payload BLOB NOT NULL,          -- empty when erased
    list_change BLOB,               -- of a commit
    chain BLOB NOT NULL,
    UNIQUE (channel, seq)
) STRICT;

CREATE TABLE heads (
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    head BLOB NOT NULL,
    signature BLOB NOT NULL,
    signer BLOB NOT NULL,
    PRIMARY KEY (channel, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    event BLOB NOT NULL,
    UNIQUE (channel, seq)
) STRICT;

CREATE TABLE readers (
    channel INTEGER NOT NULL,
    device INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER,               -- while it is a member: null
    PRIMARY KEY (channel, device, first_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX readers_by_device ON readers (device);

CREATE TABLE accepted (
    channel INTEGER NOT NULL,
    device INTEGER NOT NULL,
    client_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (channel, device, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_packages (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL,
    suite INTEGER NOT NULL,
    key_package BLOB NOT NULL
) STRICT;
CREATE INDEX key_packages_by_device ON key_packages (device, suite);

-- Hashes of the newest key packages of a device, also of those that were handed out.
CREATE TABLE published_key_packages (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (device, hash)
) STRICT;
CREATE INDEX published_key_packages_by_device ON published_key_packages (device, id);

CREATE TABLE last_resorts (
    device INTEGER NOT NULL,
    suite INTEGER NOT NULL,
    key_package BLOB NOT NULL,
    PRIMARY KEY (device, suite)
) STRICT;

CREATE TABLE welcomes (
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    delivery BLOB NOT NULL,
    PRIMARY KEY (channel, seq)
) STRICT;

CREATE TABLE pending_welcomes (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    UNIQUE (device, channel, seq)
) STRICT;
CREATE INDEX pending_welcomes_by_commit ON pending_welcomes (channel, seq);

CREATE TABLE outbound_welcomes (
    id INTEGER PRIMARY KEY,
    domain TEXT NOT NULL,
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    UNIQUE (domain, channel, seq)
) STRICT;
CREATE INDEX outbound_welcomes_by_commit ON outbound_welcomes (channel, seq);

CREATE TABLE head_certificates (
    signer BLOB NOT NULL,
    position INTEGER NOT NULL,      -- the leaf is 0
    certificate BLOB NOT NULL,
    PRIMARY KEY (signer, position)
) STRICT;

CREATE TABLE crls (
    authority TEXT NOT NULL,
    position INTEGER NOT NULL,
    crl BLOB NOT NULL,
    PRIMARY KEY (authority, position)
) STRICT;

CREATE TABLE endpoint_records (
    domain TEXT PRIMARY KEY,
    record BLOB NOT NULL
) STRICT;
