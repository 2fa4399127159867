-- Chunks of readings that lie before what the refresh policy covers: recorded history that was replayed.
SELECT range_start, range_end FROM timescaledb_information.chunks
WHERE hypertable_schema = current_schema() AND hypertable_name = 'reading' AND range_end < now() - {refreshed}
ORDER BY range_start
