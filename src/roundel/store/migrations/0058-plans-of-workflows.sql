-- A plan for each workflow, as a setup may go on more than once; and what retention asks by.
-- depends: 0057-flat-workflows

ALTER TABLE workflow ADD COLUMN plan TEXT;
CREATE INDEX upload_of_execution ON upload (execution_id);
CREATE INDEX workspace_layer_of_execution ON workspace_layer (execution_id);
