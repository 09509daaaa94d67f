-- How the last run ended, and where hubs began anew. Nothing ever wrote `store.incarnation`.
ALTER TABLE store DROP COLUMN incarnation;
ALTER TABLE store ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE store ADD COLUMN seen_at INTEGER;         -- when it was last known to run, or stopped
ALTER TABLE store ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE store ADD COLUMN boot TEXT;               -- the boot of the machine that it ran in
ALTER TABLE store ADD COLUMN file TEXT;               -- which file this was: a copy is another one

ALTER TABLE channels ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;

CREATE TABLE incarnations (
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,                             -- of the hub's statement
    incarnation INTEGER NOT NULL,
    PRIMARY KEY (channel, seq)
) STRICT, WITHOUT ROWID;
