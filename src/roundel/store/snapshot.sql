
CREATE TABLE organization (
  id TEXT NOT NULL PRIMARY KEY,
  vcs TEXT NOT NULL CHECK (vcs IN ('gh', 'bb', 'circleci')),
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  settings TEXT NOT NULL DEFAULT '{}',
  UNIQUE (vcs, name)
);

CREATE TABLE person (
  id TEXT NOT NULL PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  avatar_url TEXT NOT NULL,
  server_administrator SMALLINT NOT NULL CHECK (server_administrator IN (0, 1)),
  created_at BIGINT NOT NULL
);

CREATE TABLE identity (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  person_id TEXT NOT NULL REFERENCES person (id),
  PRIMARY KEY (issuer, subject)
);

CREATE TABLE membership (
  organization_id TEXT NOT NULL REFERENCES organization (id),
  person_id TEXT NOT NULL REFERENCES person (id),
  role TEXT NOT NULL CHECK (role IN ('viewer', 'contributor', 'administrator')),
  PRIMARY KEY (person_id, organization_id)
);

CREATE TABLE token (
  id TEXT NOT NULL PRIMARY KEY,
  person_id TEXT NOT NULL REFERENCES person (id),
  label TEXT NOT NULL,
  prefix TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  scopes TEXT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  last_used_at BIGINT,
  revoked_at BIGINT
);

CREATE TABLE project (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  repository_url TEXT NOT NULL,
  default_branch TEXT NOT NULL,
  settings TEXT NOT NULL DEFAULT '{}',
  last_pipeline_number INTEGER NOT NULL DEFAULT 0,
  last_job_number INTEGER NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
);
CREATE INDEX project_of_organization ON project (organization_id, slug);

CREATE TABLE document (
  hash TEXT NOT NULL PRIMARY KEY,
  text TEXT NOT NULL
);

CREATE TABLE pipeline (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id),
  number INTEGER NOT NULL CHECK (number > 0),
  state TEXT NOT NULL
    CHECK (state IN ('pending', 'setup-pending', 'setup', 'created', 'errored')),
  trigger_type TEXT NOT NULL
    CHECK (trigger_type IN ('api', 'webhook', 'explicit', 'scheduled_pipeline')),
  received_at BIGINT NOT NULL,
  actor_id TEXT,
  actor_login TEXT NOT NULL,
  actor_avatar_url TEXT NOT NULL,
  branch TEXT,
  tag TEXT,
  revision TEXT,
  commit_facts TEXT,
  parameters TEXT NOT NULL,
  errors TEXT NOT NULL,
  source TEXT REFERENCES document (hash),
  compiled TEXT REFERENCES document (hash),
  plan TEXT REFERENCES document (hash),
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  setup_source TEXT REFERENCES document (hash),
  setup_compiled TEXT REFERENCES document (hash),
  setup_plan TEXT REFERENCES document (hash),
  scheduled_workflow TEXT,
  schedule_id TEXT,
  schedule_name TEXT,
  launch TEXT,
  origin TEXT,
  UNIQUE (project_id, number),
  CHECK (branch IS NULL OR tag IS NULL),
  CHECK (state = 'errored' OR errors = '[]'),
  CHECK (state <> 'created' OR plan IS NOT NULL)
);
CREATE INDEX pipeline_by_time ON pipeline (project_id, created_at, id);
CREATE INDEX pipeline_by_branch ON pipeline (project_id, branch, created_at, id);
CREATE INDEX pipeline_by_actor ON pipeline (project_id, actor_id, created_at, id);

CREATE TABLE workflow (
  id TEXT NOT NULL PRIMARY KEY,
  pipeline_id TEXT NOT NULL REFERENCES pipeline (id),
  project_id TEXT NOT NULL REFERENCES project (id),
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'on_hold', 'failing', 'success', 'failed',
    'error', 'canceled', 'unauthorized', 'not_run')),
  started_by TEXT,
  workspace_id TEXT NOT NULL,
  rerun_of TEXT,
  tag TEXT,
  canceled_by TEXT,
  created_at BIGINT NOT NULL,
  stopped_at BIGINT,
  auto_rerun_number INTEGER NOT NULL DEFAULT 0,
  max_auto_reruns INTEGER NOT NULL DEFAULT 0,
  auto_cancel SMALLINT NOT NULL DEFAULT 0 CHECK (auto_cancel IN (0, 1)),
  plan TEXT,
  CHECK ((stopped_at IS NULL) = (status IN ('running', 'on_hold', 'failing')))
);
CREATE INDEX workflow_of_workspace ON workflow (workspace_id);
CREATE INDEX workflow_redundant ON workflow (project_id)
  WHERE auto_cancel = 1 AND status IN ('running', 'on_hold', 'failing');
CREATE INDEX workflow_of_pipeline ON workflow (pipeline_id, created_at, id);

CREATE TABLE job (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id),
  workflow_id TEXT NOT NULL REFERENCES workflow (id),
  name TEXT NOT NULL,
  type TEXT NOT NULL
    CHECK (type IN ('build', 'approval', 'no-op', 'lock', 'unlock', 'release')),
  status TEXT NOT NULL CHECK (status IN ('blocked', 'on_hold', 'queued', 'not_running',
    'running', 'success', 'failed', 'canceled', 'not_run', 'timedout', 'infrastructure_fail',
    'unauthorized', 'retried', 'terminated-unknown')),
  plan_key TEXT,
  number INTEGER CHECK (number > 0),
  parallelism INTEGER NOT NULL CHECK (parallelism > 0),
  resource_class TEXT,
  executor TEXT NOT NULL,
  approved_by TEXT,
  canceled_by TEXT,
  message TEXT,
  created_at BIGINT NOT NULL,
  queued_at BIGINT,
  started_at BIGINT,
  stopped_at BIGINT,
  UNIQUE (project_id, number),
  CHECK ((stopped_at IS NULL)
    = (status IN ('blocked', 'on_hold', 'queued', 'not_running', 'running'))),
  CHECK (status NOT IN ('queued', 'not_running', 'running') OR number IS NOT NULL)
);
CREATE INDEX job_of_workflow ON job (workflow_id, status);

CREATE TABLE workflow_job (
  workflow_id TEXT NOT NULL REFERENCES workflow (id),
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  requires TEXT NOT NULL,
  contexts TEXT NOT NULL,
  serial_group TEXT,
  excluded TEXT,
  job_id TEXT REFERENCES job (id),
  job_group TEXT,
  PRIMARY KEY (workflow_id, position),
  CHECK ((excluded IS NULL) = (job_id IS NOT NULL))
);
CREATE INDEX workflow_job_of_job ON workflow_job (job_id, workflow_id) WHERE job_id IS NOT NULL;

CREATE TABLE execution (
  id TEXT NOT NULL PRIMARY KEY,
  job_id TEXT NOT NULL REFERENCES job (id),
  node INTEGER NOT NULL CHECK (node >= 0),
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  status TEXT NOT NULL CHECK (status IN ('queued', 'claimed', 'running', 'success', 'failed',
    'timedout', 'canceled', 'infrastructure_fail')),
  resource_class TEXT,
  lane TEXT NOT NULL,
  runner_id TEXT,
  fence INTEGER NOT NULL,
  lease_until BIGINT,
  deadline BIGINT,
  canceling SMALLINT NOT NULL CHECK (canceling IN (0, 1)),
  created_at BIGINT NOT NULL,
  started_at BIGINT,
  stopped_at BIGINT,
  project_id TEXT NOT NULL DEFAULT '',
  resource_use TEXT,
  UNIQUE (job_id, node, attempt),
  CHECK (status NOT IN ('claimed', 'running')
    OR (runner_id IS NOT NULL AND lease_until IS NOT NULL)),
  CHECK ((stopped_at IS NULL) = (status IN ('queued', 'claimed', 'running')))
);
CREATE INDEX execution_queue ON execution (lane, project_id, created_at, id)
  WHERE status = 'queued';
CREATE INDEX execution_at_work ON execution (project_id) WHERE status IN ('claimed', 'running');
CREATE INDEX execution_lease ON execution (lease_until) WHERE status IN ('claimed', 'running');

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

CREATE TABLE step (
  execution_id TEXT NOT NULL REFERENCES execution (id),
  position INTEGER NOT NULL CHECK (position >= 0),
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'success', 'failed', 'canceled', 'timedout',
    'infrastructure_fail')),
  command TEXT,
  background SMALLINT NOT NULL CHECK (background IN (0, 1)),
  exit_code INTEGER,
  message TEXT,
  started_at BIGINT NOT NULL,
  ended_at BIGINT,
  next_chunk INTEGER NOT NULL DEFAULT 0,
  size BIGINT NOT NULL DEFAULT 0,
  source_end BIGINT NOT NULL DEFAULT 0,
  sealed TEXT,
  line_index BLOB,
  PRIMARY KEY (execution_id, position),
  CHECK ((ended_at IS NULL) = (status = 'running'))
);

CREATE TABLE chunk (
  execution_id TEXT NOT NULL,
  step INTEGER NOT NULL,
  number INTEGER NOT NULL,
  start_at BIGINT NOT NULL,
  length INTEGER NOT NULL,
  at BIGINT NOT NULL,
  data BLOB,
  blob TEXT,
  PRIMARY KEY (execution_id, step, number),
  CHECK (data IS NULL OR blob IS NULL),
  FOREIGN KEY (execution_id, step) REFERENCES step (execution_id, position)
);

CREATE TABLE timer (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  run_at BIGINT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  owner TEXT
);
CREATE INDEX timer_due ON timer (run_at);
CREATE INDEX timer_subject ON timer (subject);

CREATE TABLE outbox (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('workflow-completed', 'job-completed')),
  project_id TEXT NOT NULL REFERENCES project (id),
  subject TEXT NOT NULL,
  facts TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX outbox_by_time ON outbox (created_at, id);

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
CREATE INDEX upload_of_execution ON upload (execution_id);
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
CREATE INDEX workspace_layer_of_execution ON workspace_layer (execution_id);
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
  line INTEGER,
  PRIMARY KEY (job_id, number)
);

CREATE TABLE orb_lock (
  pipeline_id TEXT NOT NULL REFERENCES pipeline (id),
  written TEXT NOT NULL,
  exact TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (pipeline_id, written)
);

CREATE TABLE url_orb_prefix (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (organization_id, prefix)
);

CREATE TABLE context (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (organization_id, name)
);
CREATE INDEX context_by_time ON context (organization_id, created_at, id);

CREATE TABLE restriction (
  id TEXT NOT NULL PRIMARY KEY,
  context_id TEXT NOT NULL REFERENCES context (id),
  type TEXT NOT NULL CHECK (type IN ('project', 'expression', 'group')),
  value TEXT NOT NULL,
  name TEXT,
  created_at BIGINT NOT NULL,
  UNIQUE (context_id, type, value)
);

CREATE TABLE secret (
  owner_kind TEXT NOT NULL CHECK (owner_kind IN ('context', 'project')),
  owner_id TEXT NOT NULL,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  key_id TEXT NOT NULL,
  value BLOB NOT NULL,
  hint BLOB NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (owner_kind, owner_id, name)
);
CREATE INDEX secret_by_key ON secret (key_id);

CREATE TABLE replica (
  id TEXT NOT NULL PRIMARY KEY,
  seen_at BIGINT NOT NULL
);

CREATE TABLE shared_key (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE write_mark (
  writer TEXT NOT NULL PRIMARY KEY,
  serial BIGINT NOT NULL,
  day BIGINT NOT NULL
);

CREATE TABLE resource_class (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  organization_id TEXT REFERENCES organization (id),
  description TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE runner_token (
  id TEXT NOT NULL PRIMARY KEY,
  resource_class_id TEXT NOT NULL REFERENCES resource_class (id),
  nickname TEXT NOT NULL,
  prefix TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  created_at BIGINT NOT NULL
);
CREATE INDEX runner_token_of_class ON runner_token (resource_class_id);

CREATE TABLE runner (
  id TEXT NOT NULL PRIMARY KEY,
  resource_class_id TEXT NOT NULL REFERENCES resource_class (id),
  name TEXT NOT NULL,
  hostname TEXT NOT NULL,
  version TEXT NOT NULL,
  ip TEXT NOT NULL,
  first_connected BIGINT NOT NULL,
  last_connected BIGINT NOT NULL,
  last_used BIGINT
);
CREATE INDEX runner_of_class ON runner (resource_class_id);

CREATE TABLE webhook (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id),
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  verify_tls SMALLINT NOT NULL CHECK (verify_tls IN (0, 1)),
  events TEXT NOT NULL,
  secret_key_id TEXT,
  secret_value BLOB,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CHECK ((secret_key_id IS NULL) = (secret_value IS NULL))
);
CREATE INDEX webhook_of_project ON webhook (project_id, created_at, id);

CREATE TABLE webhook_delivery (
  id TEXT NOT NULL PRIMARY KEY,
  webhook_id TEXT NOT NULL REFERENCES webhook (id),
  event TEXT NOT NULL,
  lane TEXT NOT NULL,
  payload TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
  attempts INTEGER NOT NULL,
  response_status INTEGER,
  problem TEXT,
  created_at BIGINT NOT NULL,
  attempted_at BIGINT
);
CREATE INDEX webhook_delivery_newest ON webhook_delivery (webhook_id, created_at, id);
CREATE INDEX webhook_delivery_lane ON webhook_delivery (webhook_id, lane, created_at, event, id)
  WHERE status = 'waiting';
CREATE INDEX webhook_delivery_done ON webhook_delivery (created_at) WHERE status <> 'waiting';

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

CREATE TABLE idempotency (
  key TEXT NOT NULL PRIMARY KEY,
  request TEXT NOT NULL,
  status INTEGER,
  key_id TEXT,
  answer BLOB,
  expires_at BIGINT NOT NULL,
  CHECK ((status IS NULL) = (answer IS NULL)),
  CHECK ((key_id IS NULL) = (answer IS NULL))
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

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

CREATE TABLE usage_export (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
  shared TEXT NOT NULL,
  start_at BIGINT NOT NULL,
  end_at BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('created', 'processing', 'completed', 'failed')),
  created_at BIGINT NOT NULL,
  error TEXT,
  size BIGINT,
  CHECK (state <> 'completed' OR size IS NOT NULL)
);
CREATE INDEX usage_export_by_organization ON usage_export (organization_id, created_at);
CREATE INDEX usage_export_by_time ON usage_export (created_at);

CREATE TABLE failed_tests_of (
  workflow_id TEXT NOT NULL PRIMARY KEY REFERENCES workflow (id),
  failed_in TEXT NOT NULL REFERENCES workflow (id)
);

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

CREATE TABLE password (
  person_id TEXT NOT NULL PRIMARY KEY REFERENCES person (id),
  hash TEXT NOT NULL,
  changed_at BIGINT NOT NULL
);

CREATE TABLE session (
  digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
  person_id TEXT NOT NULL REFERENCES person (id),
  token_id TEXT REFERENCES token (id),
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
);
CREATE INDEX session_of_person ON session (person_id);
CREATE INDEX session_by_time ON session (seen_at);

CREATE TABLE invitation (
  digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
  organization_id TEXT NOT NULL REFERENCES organization (id),
  role TEXT NOT NULL CHECK (role IN ('viewer', 'contributor', 'administrator')),
  invited_by TEXT NOT NULL REFERENCES person (id),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX invitation_of_organization ON invitation (organization_id, created_at);

CREATE TABLE team (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (organization_id, name)
);
CREATE INDEX team_by_time ON team (organization_id, created_at, id);

CREATE TABLE team_member (
  team_id TEXT NOT NULL REFERENCES team (id),
  person_id TEXT NOT NULL REFERENCES person (id),
  PRIMARY KEY (team_id, person_id)
);
CREATE INDEX team_of_person ON team_member (person_id);
CREATE INDEX membership_of_organization ON membership (organization_id);
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

CREATE TABLE pipeline_definition (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  config_source TEXT NOT NULL,
  checkout_source TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX pipeline_definition_of_project ON pipeline_definition (project_id, created_at, id);

CREATE TABLE pipeline_trigger (
  id TEXT NOT NULL PRIMARY KEY,
  definition_id TEXT NOT NULL REFERENCES pipeline_definition (id),
  project_id TEXT NOT NULL REFERENCES project (id),
  provider TEXT NOT NULL,
  repository TEXT,
  repository_project TEXT,
  preset TEXT,
  checkout_ref TEXT NOT NULL,
  config_ref TEXT NOT NULL,
  event_name TEXT NOT NULL,
  sender TEXT NOT NULL,
  disabled SMALLINT NOT NULL CHECK (disabled IN (0, 1)),
  secret_digest BLOB,
  created_at BIGINT NOT NULL
);
CREATE INDEX pipeline_trigger_of_definition ON pipeline_trigger (definition_id, created_at, id);
CREATE INDEX pipeline_trigger_of_repository ON pipeline_trigger (repository_project);

CREATE TABLE doomed (
  name TEXT NOT NULL PRIMARY KEY
);

CREATE TABLE audit (
  number BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  operation TEXT NOT NULL,
  target TEXT NOT NULL,
  status INTEGER NOT NULL,
  actor_id TEXT NOT NULL,
  actor_login TEXT NOT NULL,
  organization_id TEXT,
  digest TEXT NOT NULL
);
CREATE INDEX audit_of_organization ON audit (organization_id, number);

CREATE TABLE deploy_environment (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (organization_id, name)
);
CREATE INDEX deploy_environment_by_time ON deploy_environment (organization_id, created_at, id);

CREATE TABLE deploy_component (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  project_id TEXT NOT NULL REFERENCES project (id),
  name TEXT NOT NULL,
  releases BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (project_id, name)
);
CREATE INDEX deploy_component_by_time ON deploy_component (organization_id, created_at, id);
CREATE INDEX deploy_component_of_project ON deploy_component (project_id, created_at, id);

CREATE TABLE deploy_version (
  component_id TEXT NOT NULL REFERENCES deploy_component (id),
  environment_id TEXT NOT NULL REFERENCES deploy_environment (id),
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  pipeline_id TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  job_number BIGINT NOT NULL,
  deployed_at BIGINT NOT NULL,
  PRIMARY KEY (component_id, environment_id, namespace, name)
);
CREATE INDEX deploy_version_by_time ON deploy_version (component_id, deployed_at);
CREATE INDEX deploy_version_of_environment ON deploy_version (environment_id);

CREATE TABLE otlp_exporter (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  endpoint TEXT NOT NULL,
  protocol TEXT NOT NULL CHECK (protocol IN ('grpc', 'http')),
  insecure SMALLINT NOT NULL CHECK (insecure IN (0, 1)),
  headers_key_id TEXT,
  headers_value BLOB,
  header_names TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  CHECK ((headers_key_id IS NULL) = (headers_value IS NULL))
);
CREATE INDEX otlp_exporter_of_organization ON otlp_exporter (organization_id, created_at, id);

CREATE TABLE otlp_export (
  exporter_id TEXT NOT NULL REFERENCES otlp_exporter (id),
  workflow_id TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  ended_at BIGINT NOT NULL,
  PRIMARY KEY (exporter_id, workflow_id)
);
CREATE INDEX otlp_export_oldest ON otlp_export (exporter_id, ended_at, workflow_id);

CREATE TABLE old_slug (
  slug TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id)
);
CREATE INDEX old_slug_of_project ON old_slug (project_id);

CREATE TABLE planned_release (
  pipeline_id TEXT NOT NULL,
  name TEXT NOT NULL,
  component TEXT NOT NULL,
  environment TEXT NOT NULL,
  version TEXT NOT NULL,
  namespace TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PENDING', 'RUNNING', 'SUCCESS', 'FAILED', 'CANCELED')),
  reason TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (pipeline_id, name)
);
