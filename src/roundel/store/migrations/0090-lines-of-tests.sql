-- Where a test is in its file, as its report says.
-- depends: 0089-planned-releases

ALTER TABLE test_result ADD COLUMN line INTEGER;
