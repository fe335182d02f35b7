-- Contexts, restrictions, and the sealed variables of contexts and projects.
-- depends: 0030-orbs

CREATE TABLE context (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (organization_id, name)
);
CREATE INDEX context_by_time ON context (organization_id, created_at, id);

CREATE TABLE restriction (
  id TEXT NOT NULL PRIMARY KEY,
  context_id TEXT NOT NULL REFERENCES context (id),
  type TEXT NOT NULL CHECK (type IN ('project', 'expression', 'group')),
  value TEXT NOT NULL,
  name TEXT,
  created_at BIGINT NOT NULL,
  UNIQUE (context_id, type, value)
);

CREATE TABLE secret (
  owner_kind TEXT NOT NULL CHECK (owner_kind IN ('context', 'project')),
  owner_id TEXT NOT NULL,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  key_id TEXT NOT NULL,
  value BLOB NOT NULL,
  hint BLOB NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (owner_kind, owner_id, name)
);
CREATE INDEX secret_by_key ON secret (key_id);
