-- An operator gives single seats of an order back, or all of it, and says why; and sells without a fan's wallet.
ALTER TABLE payment
    ADD COLUMN /*M! IF NOT EXISTS */ refunded BIGINT NOT NULL DEFAULT 0 COMMENT 'how much of it was given back',
    ADD COLUMN /*M! IF NOT EXISTS */ refund_reason VARCHAR(500) COMMENT 'why, as an operator wrote it',
    ADD COLUMN /*M! IF NOT EXISTS */ source VARCHAR(16) NOT NULL DEFAULT 'wallet' COMMENT 'wallet, desk or free',
    ALGORITHM = INSTANT;
