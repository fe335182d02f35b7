-- What a job's processes have used over time, as samples.
-- depends: 0052-line-indexes

ALTER TABLE execution ADD COLUMN resource_use TEXT;
