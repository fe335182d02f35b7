-- Figures of ended runs by day and hour, failures that wait for a success, and the reads beside.
-- depends: 0040-webhooks

CREATE TABLE rollup (
  project_id TEXT NOT NULL REFERENCES project (id),
  grain TEXT NOT NULL CHECK (grain IN ('hour', 'day')),
  workflow TEXT NOT NULL,
  job TEXT NOT NULL,
  branch TEXT NOT NULL,
  start_at BIGINT NOT NULL,
  figures TEXT NOT NULL,
  PRIMARY KEY (project_id, grain, workflow, job, branch, start_at)
);
CREATE INDEX rollup_by_time ON rollup (project_id, grain, start_at);

CREATE TABLE failure_streak (
  project_id TEXT NOT NULL REFERENCES project (id),
  workflow TEXT NOT NULL,
  branch TEXT NOT NULL,
  failures BIGINT NOT NULL,
  ends_ms BIGINT NOT NULL,
  PRIMARY KEY (project_id, workflow, branch)
);

CREATE INDEX workflow_by_name ON workflow (project_id, name, created_at, id);
CREATE INDEX job_by_name ON job (project_id, name, created_at, id);
CREATE INDEX pipeline_by_revision ON pipeline (project_id, revision);
CREATE INDEX test_run_failed ON test_run (project_id, created_at) WHERE failed > 0;
CREATE INDEX test_result_failed ON test_result (job_id) WHERE result IN ('failure', 'error');
