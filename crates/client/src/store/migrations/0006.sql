-- An entry's commitment and that of the entry which it names: looked for by both, instead of in
-- every entry of the channel. Rows that were here before get theirs with this migration.
ALTER TABLE entries ADD COLUMN commitment BLOB;
ALTER TABLE entries ADD COLUMN parent BLOB;
ALTER TABLE superseded_entries ADD COLUMN commitment BLOB;
ALTER TABLE superseded_entries ADD COLUMN parent BLOB;
CREATE INDEX entries_by_commitment ON entries (channel, commitment);
CREATE INDEX entries_by_parent ON entries (channel, parent, kind) WHERE parent IS NOT NULL;

-- What relays have signed of their erasing: one word of each authority for each tombstone.
CREATE TABLE erasure_confirmations (
    channel   BLOB NOT NULL REFERENCES channels (id),
    tombstone INTEGER NOT NULL,  -- its place
    authority TEXT NOT NULL,
    signed    BLOB NOT NULL,
    recorded  INTEGER,           -- the place of the entry that put it on the record
    PRIMARY KEY (channel, tombstone, authority)
);

-- This device's tombstones that not all relays have confirmed yet.
CREATE TABLE erasure_inquiries (
    channel    BLOB NOT NULL REFERENCES channels (id),
    tombstone  INTEGER NOT NULL,
    rounds     INTEGER NOT NULL, -- how often relays were asked
    not_before INTEGER NOT NULL,
    PRIMARY KEY (channel, tombstone)
);
