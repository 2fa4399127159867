SELECT string_id, state, digest
FROM string_state
WHERE layout = %(layout)s
