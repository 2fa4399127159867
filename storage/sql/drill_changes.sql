SELECT changed_at, branch_at, changed_by, words
FROM drill_change JOIN drill USING (drill_key)
WHERE drill_id = %(drill_id)s
ORDER BY change_id
