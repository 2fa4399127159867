-- A revoked lease that owns nothing has nothing left to say: its owner finds it gone, which means the same.
DELETE FROM lease l WHERE l.revoked AND NOT EXISTS (SELECT FROM battery b WHERE b.lease_id = l.lease_id)
