-- What an ending of a job costs no longer grows with its workflow.
-- depends: 0055-failed-tests

DROP INDEX job_of_workflow;
CREATE INDEX job_of_workflow ON job (workflow_id, status);
CREATE INDEX workflow_job_of_job ON workflow_job (job_id, workflow_id) WHERE job_id IS NOT NULL;
