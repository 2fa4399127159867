"""The server: settings, bootstrap, gRPC services, access, command line."""

import os

# gRPC reads this when it is first imported. Its own notes (a peer went away, a fork was seen) are not for users.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
