-- What a server's writer on PostgreSQL has committed last, to find out after a lost connection.
-- depends: 0020-replicas

CREATE TABLE write_mark (
  session TEXT NOT NULL PRIMARY KEY,
  mark BIGINT NOT NULL,
  made_at BIGINT NOT NULL
);
