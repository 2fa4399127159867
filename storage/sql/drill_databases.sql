-- Databases whose names begin with a prefix, of whichever user.
SELECT datname
FROM pg_database
WHERE starts_with(datname, %(prefix)s)
ORDER BY datname
