-- Newest entries first.
SELECT seq, at, actor, action, target, reason, peer, request_id FROM audit_entry ORDER BY seq DESC LIMIT %(limit)s
