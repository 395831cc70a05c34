-- Somebody who is no server may wish one to give its sales away, and wants to see which servers hear each other.
ALTER TABLE member
    ADD COLUMN /*M! IF NOT EXISTS */ is_to_drain TINYINT UNSIGNED NOT NULL DEFAULT 0 COMMENT '1: it is to give its sales away, and to take none',
    ADD COLUMN /*M! IF NOT EXISTS */ hears INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'how many others it hears over the bus',
    ALGORITHM = INSTANT;
