-- Guests, whom neither an issuer nor an operator vouches for, have limits of their own by address. Who was made before this
-- was kept counts as a guest, unless an issuer is known.
ALTER TABLE users ADD COLUMN /*M! IF NOT EXISTS */
    vouched TINYINT NOT NULL DEFAULT 0 COMMENT '1: an operator made this user; else one without an issuer is a guest',
    ALGORITHM = INSTANT;
