-- What the orbs of a pipeline's config were, and from where organisations allow URL orbs.
-- depends: 0010-flows

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
