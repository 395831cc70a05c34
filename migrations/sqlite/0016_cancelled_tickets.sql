-- A user's tickets of cancelled orders, newest first: a fan looks for what became of them, and for what a refund was
-- about. Only a cancellation writes to it.
CREATE INDEX ticket_user_cancelled ON ticket (user_id, ticket_id) WHERE cancelled_at IS NOT NULL;
