-- Slugs that projects had before they were renamed: they go on leading to them.
-- depends: 0082-otlp-exporters

CREATE TABLE old_slug (
  slug TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id)
);
CREATE INDEX old_slug_of_project ON old_slug (project_id);
