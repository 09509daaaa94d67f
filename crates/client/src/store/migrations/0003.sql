-- What was erased here: the entry's row keeps header and signature, and nothing of what it said.
CREATE TABLE erasures (
    channel   BLOB NOT NULL REFERENCES channels (id),
    author    TEXT NOT NULL,
    client_id BLOB NOT NULL,
    why       TEXT NOT NULL,     -- withdrawn, expired
    by_seq    INTEGER,           -- the place of the withdrawal
    at        INTEGER NOT NULL,  -- when it was erased here
    PRIMARY KEY (channel, author, client_id)
);

CREATE INDEX entries_by_kind ON entries (channel, kind);
