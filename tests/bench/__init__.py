"""Speed and memory of a whole server, measured from outside: `make bench`."""
