-- What was changed through the API, chained by digests.
-- depends: 0062-removals

CREATE TABLE audit (
  number BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  operation TEXT NOT NULL,
  target TEXT NOT NULL,
  status INTEGER NOT NULL,
  actor_id TEXT NOT NULL,
  actor_login TEXT NOT NULL,
  organization_id TEXT,
  digest TEXT NOT NULL
);
CREATE INDEX audit_of_organization ON audit (organization_id, number);
