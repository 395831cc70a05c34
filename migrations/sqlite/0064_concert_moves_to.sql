-- A sale that is given away names its heir, so that nobody else takes it first; and somebody who is no server may name one.
ALTER TABLE concert ADD COLUMN moves_to INTEGER CHECK (moves_to > 0);
