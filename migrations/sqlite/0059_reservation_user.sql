-- Nobody looks a user's reservations up here any more; each new row cost a page of it.
DROP INDEX reservation_user;
