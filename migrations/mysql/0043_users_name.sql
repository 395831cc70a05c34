-- Whoever helps a fan at the box office knows their name: users by the beginning of it.
ALTER TABLE users ADD KEY /*M! IF NOT EXISTS */ users_name (name), ALGORITHM = INPLACE, LOCK = NONE;
