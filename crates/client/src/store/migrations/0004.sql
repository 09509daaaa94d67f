-- What relays were told to erase: by whose word, and where it stands in the log.
CREATE TABLE tombstones (
    channel BLOB NOT NULL REFERENCES channels (id),
    seq     INTEGER NOT NULL,    -- of what they erase
    by      TEXT NOT NULL,
    at      INTEGER NOT NULL,    -- the hub's clock
    by_seq  INTEGER NOT NULL,
    PRIMARY KEY (channel, seq)
);

-- Entries that came without their content.
CREATE TABLE without_content (
    channel BLOB NOT NULL REFERENCES channels (id),
    seq     INTEGER NOT NULL,
    author  TEXT NOT NULL,
    PRIMARY KEY (channel, seq)
);
