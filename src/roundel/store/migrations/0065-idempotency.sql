-- Requests under idempotency keys, and their first answers.
-- depends: 0064-deploys

CREATE TABLE idempotency (
  key TEXT NOT NULL PRIMARY KEY,
  request TEXT NOT NULL,
  status INTEGER,
  key_id TEXT,
  answer BLOB,
  expires_at BIGINT NOT NULL,
  CHECK ((status IS NULL) = (answer IS NULL)),
  CHECK ((key_id IS NULL) = (answer IS NULL))
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
