"""Messages and stubs of `batterytwin.v1`: protoc wrote all but this file."""
