-- Never two of one kind and subject, whichever server raises them.
CREATE UNIQUE INDEX alarms_open_as ON alarms (open_as) WHERE open_as IS NOT NULL;

-- Says the same as the index above, and is written no more.
DROP INDEX alarms_open;
