-- Reruns, setup configs, turns, schedules, and slots shared between projects.
-- depends: 0002-what-jobs-leave

ALTER TABLE organization ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

ALTER TABLE pipeline ADD COLUMN setup_source TEXT REFERENCES document (hash);
ALTER TABLE pipeline ADD COLUMN setup_compiled TEXT REFERENCES document (hash);
ALTER TABLE pipeline ADD COLUMN setup_plan TEXT REFERENCES document (hash);
ALTER TABLE pipeline ADD COLUMN scheduled_workflow TEXT;
ALTER TABLE pipeline ADD COLUMN schedule_id TEXT;
ALTER TABLE pipeline ADD COLUMN schedule_name TEXT;

ALTER TABLE workflow ADD COLUMN auto_rerun_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workflow ADD COLUMN max_auto_reruns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workflow ADD COLUMN auto_cancel SMALLINT NOT NULL DEFAULT 0
  CHECK (auto_cancel IN (0, 1));
CREATE INDEX workflow_of_workspace ON workflow (workspace_id);
CREATE INDEX workflow_redundant ON workflow (project_id)
  WHERE auto_cancel = 1 AND status IN ('running', 'on_hold', 'failing');

ALTER TABLE workflow_job ADD COLUMN job_group TEXT;

ALTER TABLE execution ADD COLUMN project_id TEXT NOT NULL DEFAULT '';
UPDATE execution SET project_id = (SELECT j.project_id FROM job j WHERE j.id = execution.job_id);
DROP INDEX execution_queue;
CREATE INDEX execution_queue ON execution (lane, project_id, created_at, id)
  WHERE status = 'queued';
CREATE INDEX execution_at_work ON execution (project_id) WHERE status IN ('claimed', 'running');

CREATE TABLE claim_turn (
  lane TEXT NOT NULL,
  project_id TEXT NOT NULL REFERENCES project (id),
  served_at BIGINT NOT NULL,
  PRIMARY KEY (lane, project_id)
);

CREATE TABLE ticket (
  job_id TEXT NOT NULL PRIMARY KEY REFERENCES job (id),
  workflow_id TEXT NOT NULL REFERENCES workflow (id),
  organization_id TEXT NOT NULL REFERENCES organization (id),
  kind TEXT NOT NULL CHECK (kind IN ('serial', 'lock')),
  key TEXT NOT NULL,
  holder TEXT NOT NULL,
  rank BIGINT NOT NULL,
  held SMALLINT NOT NULL CHECK (held IN (0, 1)),
  asked_at BIGINT NOT NULL
);
CREATE INDEX ticket_queue ON ticket (organization_id, kind, key, held, rank, job_id);
CREATE INDEX ticket_of_workflow ON ticket (workflow_id);

CREATE TABLE serial_group (
  organization_id TEXT NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  newest_rank BIGINT NOT NULL,
  PRIMARY KEY (organization_id, name)
);

CREATE TABLE schedule (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id),
  name TEXT NOT NULL,
  description TEXT,
  timetable TEXT NOT NULL,
  parameters TEXT NOT NULL,
  attribution TEXT NOT NULL CHECK (attribution IN ('current', 'system')),
  actor_id TEXT NOT NULL,
  actor_login TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  next_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX schedule_by_time ON schedule (project_id, created_at, id);

CREATE TABLE cron_trigger (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id),
  branch TEXT NOT NULL,
  workflow TEXT NOT NULL,
  cron TEXT NOT NULL,
  actor_id TEXT,
  actor_login TEXT NOT NULL,
  next_at BIGINT,
  UNIQUE (project_id, branch, workflow, cron)
);
