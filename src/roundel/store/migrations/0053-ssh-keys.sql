-- Additional SSH keys of projects, which `add_ssh_keys` installs in jobs.
-- depends: 0052-resource-use

CREATE TABLE ssh_key (
  project_id TEXT NOT NULL REFERENCES project (id),
  hostname TEXT NOT NULL,
  md5 TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  public_key TEXT NOT NULL,
  key_id TEXT NOT NULL,
  private_key BLOB NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (project_id, hostname, md5)
);
CREATE INDEX ssh_key_by_key ON ssh_key (key_id);
