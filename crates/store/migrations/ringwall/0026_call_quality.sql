-- How the media of a call was, as JSON: read with a single record only. Calls of before have none.

ALTER TABLE call_records ADD COLUMN quality TEXT;
