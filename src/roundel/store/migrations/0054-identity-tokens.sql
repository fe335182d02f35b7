-- Keys that sign the identity tokens of jobs, and the claims that people have chosen for them.
-- depends: 0053-ssh-keys

CREATE TABLE signing_key (
  id TEXT NOT NULL PRIMARY KEY,
  public_key TEXT NOT NULL,
  key_id TEXT NOT NULL,
  private_key BLOB NOT NULL,
  signs_from BIGINT NOT NULL
);

-- An organization's own row has an empty project_id.
CREATE TABLE custom_claims (
  organization_id TEXT NOT NULL REFERENCES organization (id),
  project_id TEXT NOT NULL,
  audience TEXT,
  audience_updated_at BIGINT,
  ttl TEXT,
  ttl_updated_at BIGINT,
  PRIMARY KEY (organization_id, project_id)
);
