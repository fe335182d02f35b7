-- Workflows that run only the tests that failed in another one.
-- depends: 0054-identity-tokens

CREATE TABLE failed_tests_of (
  workflow_id TEXT NOT NULL PRIMARY KEY REFERENCES workflow (id),
  failed_in TEXT NOT NULL REFERENCES workflow (id)
);
