-- Where organizations want their pipelines' spans, and the workflows that collectors wait for.
-- depends: 0081-git-statuses

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
