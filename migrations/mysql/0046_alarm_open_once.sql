-- Never two of one kind and subject, whichever server raises them.
ALTER TABLE alarms ADD UNIQUE KEY /*M! IF NOT EXISTS */ alarms_open_as (open_as);
