-- An operator gives single seats of an order back, or all of it, and says why; and sells without a fan's wallet.
ALTER TABLE payment ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND 9007199254740991);
ALTER TABLE payment ADD COLUMN refund_reason TEXT;
ALTER TABLE payment ADD COLUMN source TEXT NOT NULL DEFAULT 'wallet';
