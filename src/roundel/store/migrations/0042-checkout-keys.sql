-- Key pairs with which jobs clone a project's repository.
-- depends: 0041-insights

CREATE TABLE checkout_key (
  project_id TEXT NOT NULL REFERENCES project (id),
  md5 TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('deploy-key', 'github-user-key')),
  public_key TEXT NOT NULL,
  key_id TEXT NOT NULL,
  private_key BLOB NOT NULL,
  preferred SMALLINT NOT NULL CHECK (preferred IN (0, 1)),
  created_at BIGINT NOT NULL,
  PRIMARY KEY (project_id, md5)
);
CREATE INDEX checkout_key_by_key ON checkout_key (key_id);
