-- Leases of others that own one of the batteries.
SELECT DISTINCT lease_id FROM battery
WHERE battery_key = ANY(%(keys)s) AND lease_id IS NOT NULL AND lease_id <> %(lease_id)s
