-- What jobs leave behind: blobs, and the caches, layers, artifacts and test results that name them.
-- depends: 0001-first-light

CREATE TABLE upload (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id),
  execution_id TEXT NOT NULL REFERENCES execution (id),
  size BIGINT,
  digest TEXT,
  uses INTEGER NOT NULL DEFAULT 0 CHECK (uses >= 0),
  free_from BIGINT NOT NULL,
  CHECK ((size IS NULL) = (digest IS NULL)),
  CHECK (uses = 0 OR size IS NOT NULL)
);
CREATE INDEX upload_unused ON upload (free_from) WHERE uses = 0;

CREATE TABLE cache (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id),
  scope TEXT NOT NULL,
  key TEXT NOT NULL CHECK (length(key) <= 900),
  upload_id TEXT NOT NULL REFERENCES upload (id),
  size BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (project_id, scope, key)
);
CREATE INDEX cache_of_upload ON cache (upload_id);
CREATE INDEX cache_by_use ON cache (project_id, used_at);
CREATE INDEX cache_expiry ON cache (expires_at);

CREATE TABLE workspace_layer (
  id TEXT NOT NULL PRIMARY KEY,
  job_id TEXT NOT NULL REFERENCES job (id),
  execution_id TEXT NOT NULL REFERENCES execution (id),
  node INTEGER NOT NULL,
  upload_id TEXT NOT NULL REFERENCES upload (id),
  paths BLOB NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX workspace_layer_of_job ON workspace_layer (job_id, node, id);
CREATE INDEX workspace_layer_of_upload ON workspace_layer (upload_id);
CREATE INDEX workspace_layer_expiry ON workspace_layer (expires_at);

CREATE TABLE artifact (
  job_id TEXT NOT NULL REFERENCES job (id),
  node INTEGER NOT NULL,
  path TEXT NOT NULL,
  upload_id TEXT NOT NULL REFERENCES upload (id),
  size BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (job_id, node, path)
);
CREATE INDEX artifact_expiry ON artifact (expires_at);

CREATE TABLE test_run (
  job_id TEXT NOT NULL PRIMARY KEY REFERENCES job (id),
  project_id TEXT NOT NULL REFERENCES project (id),
  job_name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  total INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX test_run_newest ON test_run (project_id, job_name, created_at);

CREATE TABLE test_part (
  job_id TEXT NOT NULL REFERENCES test_run (job_id),
  node INTEGER NOT NULL,
  part TEXT NOT NULL,
  PRIMARY KEY (job_id, node, part)
);

CREATE TABLE test_result (
  job_id TEXT NOT NULL REFERENCES test_run (job_id),
  number INTEGER NOT NULL,
  node INTEGER NOT NULL,
  name TEXT NOT NULL,
  classname TEXT NOT NULL,
  file TEXT,
  result TEXT NOT NULL CHECK (result IN ('success', 'failure', 'error', 'skipped')),
  run_time DOUBLE PRECISION NOT NULL,
  message TEXT NOT NULL,
  source TEXT NOT NULL,
  PRIMARY KEY (job_id, number)
);
