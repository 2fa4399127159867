-- Rows of a query, one answer a battery, each column as one binary string of packed numbers, in no order of time. Names
-- and query are filled in.
SELECT battery_key, {columns}
FROM ({rows}) packed
GROUP BY battery_key
