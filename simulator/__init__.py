"""A fleet that does not exist: climate, rooms, chargers, series strings and gateways."""
