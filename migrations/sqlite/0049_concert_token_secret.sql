-- Queue tokens are made of this secret, the place in line, the user and the moment of joining, so that whoever has the
-- journal can make the rows of a line anew, although the journal has no tokens. A sale's first claim gives it; places that
-- the journal has without a mark were given before there was one, and have random tokens.
ALTER TABLE concert ADD COLUMN token_secret BLOB CHECK (length(token_secret) = 32);
