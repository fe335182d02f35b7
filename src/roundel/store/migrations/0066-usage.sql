-- Exports of what an organisation's jobs used.
-- depends: 0065-idempotency

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
