-- What names other entries in forums: questions, answers, pins.
CREATE INDEX entries_of_forums ON entries (channel, seq) WHERE kind IN (14, 15, 18);
