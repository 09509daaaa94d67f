-- Client ids begin with a position, so that those of one time lie together: a group commit writes
-- few pages. Looked for by all three, always.
ALTER TABLE accepted RENAME TO accepted_by_device;
CREATE TABLE accepted (
    channel INTEGER NOT NULL,
    client_id BLOB NOT NULL,
    device INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (channel, client_id, device)
) STRICT, WITHOUT ROWID;
INSERT INTO accepted SELECT channel, client_id, device, seq FROM accepted_by_device;
DROP TABLE accepted_by_device;

-- The newest welcome that was sent to another authority's relay, in case that relay loses it.
CREATE TABLE sent_welcomes (
    domain TEXT NOT NULL,
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (domain, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX sent_welcomes_by_commit ON sent_welcomes (channel, seq);
