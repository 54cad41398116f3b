-- Backups of keys that a keeper has opened.
--
-- `body` is the receipt that a keeper gave when it opened the file, and `mac` its MAC (src/model/backup.h): which keys
-- are in it, and when that was. Only the two count. The other columns say the same for whoever reads the table, and who
-- asked. A row says nothing of where the file is; it stays until an operator says that the file is gone.
CREATE TABLE backup (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    body bytea NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    made_at timestamptz NOT NULL,
    verified_at timestamptz NOT NULL,
    verified_by text NOT NULL,
    node text NOT NULL
);
