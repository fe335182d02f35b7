-- Releases that a job of a pipeline has planned, and how they go.
-- depends: 0087-old-slugs

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
