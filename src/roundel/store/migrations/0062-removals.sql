-- Objects of projects that were removed, until the sweep comes by.
-- depends: 0061-definitions

CREATE TABLE doomed (
  name TEXT NOT NULL PRIMARY KEY
);
