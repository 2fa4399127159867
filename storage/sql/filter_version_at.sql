SELECT version, layout FROM filter_version WHERE since <= %(at)s ORDER BY since DESC LIMIT 1
