-- Whose relay created the channel: with the nonce, what its id is derived from.
ALTER TABLE channels ADD COLUMN creating_hub TEXT;
UPDATE channels SET creating_hub = hub;

-- Where a channel went on at another hub, by the statement at `seq`.
CREATE TABLE hub_moves (
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hub TEXT NOT NULL,
    PRIMARY KEY (channel, seq)
) STRICT, WITHOUT ROWID;

-- The newest vote of each device for another hub, signed.
CREATE TABLE hub_votes (
    channel INTEGER NOT NULL,
    device TEXT NOT NULL,
    vote BLOB NOT NULL,
    PRIMARY KEY (channel, device)
) STRICT, WITHOUT ROWID;
