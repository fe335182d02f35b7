-- Connections to git hosts, what they told, and the refs and pull requests as we know them.
-- depends: 0070-sessions

ALTER TABLE pipeline ADD COLUMN origin TEXT;

CREATE TABLE git_connection (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  project_id TEXT REFERENCES project (id),
  provider TEXT NOT NULL,
  api_url TEXT NOT NULL,
  app_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  secrets BLOB NOT NULL,
  created_at BIGINT NOT NULL,
  heard_at BIGINT
);
CREATE INDEX git_connection_of_organization ON git_connection (organization_id, created_at);
CREATE INDEX git_connection_of_project ON git_connection (project_id);
CREATE INDEX git_connection_by_key ON git_connection (key_id);

CREATE TABLE git_delivery (
  id TEXT NOT NULL PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES git_connection (id),
  host_id TEXT NOT NULL,
  digest TEXT NOT NULL,
  name TEXT NOT NULL,
  events TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'ignored')),
  outcome TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (connection_id, host_id),
  UNIQUE (connection_id, digest)
);
CREATE INDEX git_delivery_by_time ON git_delivery (connection_id, created_at, id);
CREATE INDEX git_delivery_expiry ON git_delivery (created_at);

CREATE TABLE git_ref (
  project_id TEXT NOT NULL REFERENCES project (id),
  ref TEXT NOT NULL,
  revision TEXT,
  steps TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (project_id, ref)
);

CREATE TABLE git_watch (
  project_id TEXT NOT NULL PRIMARY KEY REFERENCES project (id),
  mode TEXT NOT NULL CHECK (mode IN ('reconciled', 'polled')),
  pause BIGINT NOT NULL,
  looked_at BIGINT,
  problem TEXT NOT NULL
);

CREATE TABLE git_link (
  connection_id TEXT NOT NULL REFERENCES git_connection (id),
  external_id TEXT NOT NULL,
  project_id TEXT NOT NULL REFERENCES project (id),
  name TEXT NOT NULL,
  PRIMARY KEY (connection_id, external_id, project_id)
);
CREATE INDEX git_link_of_project ON git_link (project_id);

CREATE TABLE pull_request (
  project_id TEXT NOT NULL REFERENCES project (id),
  number BIGINT NOT NULL,
  branch TEXT NOT NULL,
  is_open SMALLINT NOT NULL CHECK (is_open IN (0, 1)),
  facts TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (project_id, number)
);
CREATE INDEX pull_request_of_branch ON pull_request (project_id, branch) WHERE is_open = 1;

CREATE TABLE git_guest (
  project_id TEXT NOT NULL REFERENCES project (id),
  author_id TEXT NOT NULL,
  approved_by TEXT NOT NULL,
  approved_at BIGINT NOT NULL,
  PRIMARY KEY (project_id, author_id)
);
