-- Whatever was being computed when the server ended waits again, before all others, for it is the oldest.
UPDATE projection SET state = 1 WHERE state = 2
