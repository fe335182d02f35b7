-- Pipeline definitions and their triggers; every project gets its default definition.
-- depends: 0060-groups

ALTER TABLE pipeline ADD COLUMN launch TEXT;

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

INSERT INTO pipeline_definition
  (id, project_id, name, description, config_source, checkout_source, created_at)
  SELECT id, id, 'default', '', '{}', '{}', created_at FROM project;
