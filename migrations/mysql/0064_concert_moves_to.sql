-- A sale that is given away names its heir, so that nobody else takes it first; and somebody who is no server may name one.
ALTER TABLE concert
    ADD COLUMN /*M! IF NOT EXISTS */ moves_to INT UNSIGNED COMMENT 'the node that is to run it next; its claim takes this away',
    ALGORITHM = INSTANT;
