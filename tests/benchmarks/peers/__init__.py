"""The same readings into other software on the same machine, in turns: `make peers`."""
