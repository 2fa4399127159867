-- null = from the first row on
SELECT CASE WHEN isfinite(since) THEN since END, version FROM filter_version ORDER BY since
