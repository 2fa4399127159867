INSERT INTO audit_entry (at, actor, action, target, reason, peer, request_id)
VALUES (%(at)s, %(actor)s, %(action)s, %(target)s, %(reason)s, %(peer)s, %(request_id)s)
