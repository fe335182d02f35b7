-- Config policies of organizations, and what was decided by them.
-- depends: 0066-usage

CREATE TABLE policy (
  organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  document TEXT NOT NULL REFERENCES document (hash),
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (organization_id, name)
);

CREATE TABLE decision (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
  project_id TEXT NOT NULL,
  build_number INTEGER NOT NULL,
  branch TEXT,
  metadata TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PASS', 'SOFT_FAIL', 'HARD_FAIL', 'ERROR')),
  decision TEXT NOT NULL,
  policies TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  time_taken_ms INTEGER NOT NULL
);
CREATE INDEX decision_newest ON decision (organization_id, created_at, id);
