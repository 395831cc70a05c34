-- Nobody looks a user's reservations up here any more; each new row cost a page of it.
ALTER TABLE reservation DROP KEY /*M! IF EXISTS */ reservation_user;
