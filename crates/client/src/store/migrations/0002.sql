-- Payloads of the newest items too: what a hub has lost can be brought back. A hub's statement keeps
-- its payload like a commit.
ALTER TABLE items ADD COLUMN statement INTEGER NOT NULL DEFAULT 0;

-- Entries at places that a log no longer has: its hub was restored from an older copy.
CREATE TABLE superseded_entries (
    channel      BLOB NOT NULL REFERENCES channels (id),
    seq          INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    author       TEXT NOT NULL,
    client_id    BLOB NOT NULL,
    kind         INTEGER NOT NULL,
    local_time   INTEGER NOT NULL,
    handling     INTEGER NOT NULL,
    body         TEXT NOT NULL,
    signed       BLOB NOT NULL,
    certificates BLOB NOT NULL,
    PRIMARY KEY (channel, author, client_id)
);
