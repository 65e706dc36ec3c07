-- What was done and what was refused have a bound each in the audit trail, whose oldest rows are found by these.

CREATE INDEX audit_done ON audit (number) WHERE outcome = 'done';
CREATE INDEX audit_refused ON audit (number) WHERE outcome <> 'done';
