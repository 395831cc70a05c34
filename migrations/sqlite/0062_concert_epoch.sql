-- A claim names the one that it replaces, so that of two that race one wins: a writer alone may have claimed a sale twice.
ALTER TABLE concert ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0);
