-- Several servers on one database: which of them live, and the keys that they share.
-- depends: 0001-first-light

CREATE TABLE replica (
  id TEXT NOT NULL PRIMARY KEY,
  seen_at BIGINT NOT NULL
);

CREATE TABLE shared_key (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE write_mark (
  writer TEXT NOT NULL PRIMARY KEY,
  serial BIGINT NOT NULL,
  day BIGINT NOT NULL
);
