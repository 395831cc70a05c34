-- What is due of one webhook, so that one that is slow hides nothing from the others.
ALTER TABLE webhook_delivery ADD KEY /*M! IF NOT EXISTS */ webhook_delivery_next (webhook_id, next_at);
