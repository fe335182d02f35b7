-- Which version of a component was deployed where, and by which job.
-- depends: 0063-audit

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
