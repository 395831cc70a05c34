-- What a sale's operator set of its rules is one JSON object, so that another rule needs no column. The columns of the rules
-- that there were before go on beside it, for servers and people who know no other; README.md has the next step.
ALTER TABLE concert ADD COLUMN own_rules TEXT CHECK (json_valid(own_rules));
