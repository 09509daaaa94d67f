-- Whether the payload was erased: its bytes are zeros then, as many as they were.
ALTER TABLE items ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
