-- Whoever helps a fan at the box office knows their name: users by the beginning of it.
CREATE INDEX users_name ON users (name);
