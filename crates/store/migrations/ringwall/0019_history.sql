-- History in pages: by time and then id, also of one result or direction, so that a page of a million rows is read and not
-- sought.

DROP INDEX call_records_started;
CREATE INDEX call_records_started ON call_records (started, id);
CREATE INDEX call_records_result ON call_records (result, started, id);
CREATE INDEX call_records_direction ON call_records (direction, started, id);
