-- Runners on other machines: their classes, the tokens by which they are known, when they were seen.
-- depends: 0001-first-light

CREATE TABLE resource_class (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  organization_id TEXT REFERENCES organization (id),
  description TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE runner_token (
  id TEXT NOT NULL PRIMARY KEY,
  resource_class_id TEXT NOT NULL REFERENCES resource_class (id),
  nickname TEXT NOT NULL,
  prefix TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  created_at BIGINT NOT NULL
);
CREATE INDEX runner_token_of_class ON runner_token (resource_class_id);

CREATE TABLE runner (
  id TEXT NOT NULL PRIMARY KEY,
  resource_class_id TEXT NOT NULL REFERENCES resource_class (id),
  name TEXT NOT NULL,
  hostname TEXT NOT NULL,
  version TEXT NOT NULL,
  ip TEXT NOT NULL,
  first_connected BIGINT NOT NULL,
  last_connected BIGINT NOT NULL,
  last_used BIGINT
);
CREATE INDEX runner_of_class ON runner (resource_class_id);
