-- Policies of the hypertable and its hours, anew: settings may have changed. Hours are refreshed as far back as readings
-- are kept and not further, or they would go with them. What is kept counts from the day on which it came: recorded
-- history that is replayed may be older than any limit.
CALL remove_columnstore_policy('reading', if_exists => true);
CALL add_columnstore_policy('reading', after => {hot});
SELECT remove_retention_policy('reading', if_exists => true);
SELECT add_retention_policy('reading', drop_created_before => {raw});
SELECT remove_continuous_aggregate_policy('reading_hour', if_exists => true);
CALL remove_columnstore_policy('reading_hour', if_exists => true);
SELECT add_continuous_aggregate_policy(
    'reading_hour', start_offset => {refreshed}, end_offset => interval '1 hour', schedule_interval => interval '1 hour'
);
CALL add_columnstore_policy('reading_hour', after => interval '90 days');
SELECT remove_retention_policy('reading_hour', if_exists => true);
SELECT add_retention_policy('reading_hour', drop_created_before => {hours});
