-- Cancels a projection that is not over, or deletes one that is; the same request again changes nothing.
UPDATE projection
SET state = CASE WHEN state IN (1, 2) THEN 4 ELSE state END,
    done_at = CASE WHEN state IN (1, 2) THEN %(at)s ELSE done_at END,
    deleted_at = CASE WHEN state IN (1, 2) THEN NULL ELSE %(at)s::timestamptz END,
    result = NULL,
    totals = NULL,
    change_request_id = %(request_id)s
WHERE projection_id = %(projection_id)s
  AND deleted_at IS NULL
  AND change_request_id IS DISTINCT FROM %(request_id)s
