-- Here nothing is seen before it is durable, so finding out what became of a commit has nothing to write.
SELECT 1;
