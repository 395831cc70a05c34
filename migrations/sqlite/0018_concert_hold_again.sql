-- A seat whose hold ran out unpaid is not held again by the same user for a while, which the operator of a sale may set.
ALTER TABLE concert ADD COLUMN hold_again_after_ms INTEGER CHECK (hold_again_after_ms >= 0);
