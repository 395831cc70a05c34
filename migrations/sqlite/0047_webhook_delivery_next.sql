-- What is due of one webhook, so that one that is slow hides nothing from the others.
CREATE INDEX webhook_delivery_next ON webhook_delivery (webhook_id, next_at) WHERE next_at IS NOT NULL;

-- Nothing asks for it.
DROP INDEX webhook_delivery_due;
