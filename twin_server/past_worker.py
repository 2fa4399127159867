"""Replays the past of twins, in a process of its own: `python -m twin_server.past_worker`.

The first frame on its input says where the past is; each further one is a question. It is niced, ends with its input,
and knows no shard: it reads the database and the archive.
"""

import os
import pickle
import sys

from actors.filter import compile_kernels
from actors.replayer import TwinReplayer
from batterytwin.errors import TwinError
from storage.framed_child import ignore_stop_signals, read_frame, write_frames
from storage.postgres_past_store import PostgresPastStore
from twin_server.past_twins import PastQuestion, PastSettings


def main() -> None:
    """Answers until standard input ends."""
    ignore_stop_signals()
    os.nice(10)  # the twins come first
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    greeting = read_frame(source)
    if greeting is None:
        return
    settings: PastSettings = pickle.loads(greeting)  # noqa: S301 # from our own server
    compile_kernels()
    replayer = TwinReplayer(PostgresPastStore(settings.url, settings.archive))
    while (asked := read_frame(source)) is not None:
        question: PastQuestion = pickle.loads(asked)  # noqa: S301 # as above
        answer: object
        try:
            answer = replayer.twin_at(question.spec, question.moment)
        except TwinError as error:
            answer = error.with_traceback(None)
        write_frames(sink, pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))


if __name__ == "__main__":
    main()
