-- The other folder says of this table that it follows the journal. Tables have no comments here.
SELECT 1;
