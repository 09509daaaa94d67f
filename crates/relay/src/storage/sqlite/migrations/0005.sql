CREATE TABLE bundles (
    version INTEGER PRIMARY KEY,
    signed BLOB NOT NULL            -- as it came
) STRICT;
