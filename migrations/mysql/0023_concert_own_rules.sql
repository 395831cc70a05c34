-- What a sale's operator set of its rules is one JSON object, so that another rule needs no column. The columns of the rules
-- that there were before go on beside it, for servers and people who know no other; README.md has the next step.
ALTER TABLE concert ADD COLUMN /*M! IF NOT EXISTS */
    own_rules TEXT COMMENT 'JSON: the rules that the operator set', ALGORITHM = INSTANT;
