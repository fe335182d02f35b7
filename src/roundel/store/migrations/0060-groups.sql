-- Groups of an organization's members, whom contexts can be restricted to.
-- depends: 0058-plans-of-workflows

CREATE TABLE team (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organization (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (organization_id, name)
);
CREATE INDEX team_by_time ON team (organization_id, created_at, id);

CREATE TABLE team_member (
  team_id TEXT NOT NULL REFERENCES team (id),
  person_id TEXT NOT NULL REFERENCES person (id),
  PRIMARY KEY (team_id, person_id)
);
CREATE INDEX team_of_person ON team_member (person_id);
CREATE INDEX membership_of_organization ON membership (organization_id);
