-- Who is signed in at the pages: sessions, passwords of local accounts, invitations.
-- depends: 0067-policies

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
