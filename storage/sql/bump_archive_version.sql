UPDATE archive_state SET version = version + 1
