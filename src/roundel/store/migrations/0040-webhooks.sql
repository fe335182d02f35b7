-- Outgoing webhooks, and what became of each delivery.
-- depends: 0030-orbs

CREATE TABLE webhook (
  id TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id),
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  verify_tls SMALLINT NOT NULL CHECK (verify_tls IN (0, 1)),
  events TEXT NOT NULL,
  secret_key_id TEXT,
  secret_value BLOB,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CHECK ((secret_key_id IS NULL) = (secret_value IS NULL))
);
CREATE INDEX webhook_of_project ON webhook (project_id, created_at, id);

CREATE TABLE webhook_delivery (
  id TEXT NOT NULL PRIMARY KEY,
  webhook_id TEXT NOT NULL REFERENCES webhook (id),
  event TEXT NOT NULL,
  lane TEXT NOT NULL,
  payload TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
  attempts INTEGER NOT NULL,
  response_status INTEGER,
  problem TEXT,
  created_at BIGINT NOT NULL,
  attempted_at BIGINT
);
CREATE INDEX webhook_delivery_newest ON webhook_delivery (webhook_id, created_at, id);
CREATE INDEX webhook_delivery_lane ON webhook_delivery (webhook_id, lane, created_at, event, id)
  WHERE status = 'waiting';
CREATE INDEX webhook_delivery_done ON webhook_delivery (created_at) WHERE status <> 'waiting';
