-- Whoever stands at the door with a code that is refused is asked what it says: the ticket of a code.
CREATE INDEX ticket_code ON ticket (code);
