-- Guests, whom neither an issuer nor an operator vouches for, have limits of their own by address. Who was made before this
-- was kept counts as a guest, unless an issuer is known.
ALTER TABLE users ADD COLUMN vouched INTEGER NOT NULL DEFAULT 0 CHECK (vouched IN (0, 1));
