-- How many blocks have gone, by what became of them.
SELECT outcome, count(*)::int AS blocks FROM life_end GROUP BY outcome
