"""Whether a folder holds a model that can be used here: `python -m ml.check_model FOLDER`, in a process of its own.

Prints one JSON object: {"version": ...} or {"error": ...}. The server asks it before it registers a model, because a
broken file may end the process that reads it, and because the server itself can spare what reading takes.
"""

import json
import sys
from pathlib import Path

from batterytwin.errors import TwinError


def main(folder: Path) -> None:
    """Reads the model and tells what came of it."""
    from ml.artefact import load_model  # noqa: PLC0415 # what is to be tried

    try:
        print(json.dumps({"version": load_model(folder).card.version}))  # the answer
    except TwinError as error:
        print(json.dumps({"error": error.message}))  # the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
