-- How many unpaid seats the guests of an address hold has to be known after a restart, too. Kept only of what is held.
ALTER TABLE reservation ADD COLUMN /*M! IF NOT EXISTS */
    guest_of BINARY(16) COMMENT 'the address block of the guest who holds it', ALGORITHM = INSTANT;
