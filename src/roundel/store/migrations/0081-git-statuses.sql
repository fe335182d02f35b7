-- What git hosts are to show beside commits, until they have heard of it.
-- depends: 0080-git-hosts

CREATE TABLE git_status (
  project_id TEXT NOT NULL REFERENCES project (id),
  revision TEXT NOT NULL,
  context TEXT NOT NULL,
  connection_id TEXT NOT NULL REFERENCES git_connection (id),
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (project_id, revision, context)
);
CREATE INDEX git_status_by_time ON git_status (project_id, changed_at);
CREATE INDEX git_status_of_connection ON git_status (connection_id);
