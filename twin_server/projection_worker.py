"""Computes one projection in a process of its own: `python -m twin_server.projection_worker`.

The frame on its input says what; each frame on its output is news, at least one a second, and the last one is the
result or the error. It is niced, ends when its input does, and knows no shard: it reads the database and the archive.
"""

import os
import pickle
import select
import sys
import threading
from typing import Final

from batterytwin.errors import TwinError
from storage.framed_child import ignore_stop_signals, read_frame, write_frames
from twin_server.projection_job import ProjectionJob, ProjectionNews

_NEWS_S: Final = 1.0


def main() -> None:
    """Computes what standard input asks for."""
    ignore_stop_signals()  # a projection that is cut short by a stop begins again with the next start
    os.nice(10)  # the twins come first
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    asked = read_frame(source)
    if asked is None:
        return
    job: ProjectionJob = pickle.loads(asked)  # noqa: S301 # from our own server
    news, lock = ProjectionNews(), threading.Lock()

    def tell(latest: ProjectionNews) -> None:
        nonlocal news
        news = latest

    def send(answer: object) -> None:
        with lock:
            write_frames(sink, pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))

    def watch() -> None:
        """Tells how far it has come, and ends the process when nobody listens any more."""
        while True:
            asked_more, _, _ = select.select([source], [], [], _NEWS_S)
            try:
                if not asked_more:
                    send(news)
                    continue
            except OSError:
                pass
            os._exit(1)  # the thread that computes cannot be asked to stop

    threading.Thread(target=watch, name="news", daemon=True).start()
    answer: object
    try:
        from twin_server.projection_run import do_job  # noqa: PLC0415  # kernels, which load while news is sent already

        answer = do_job(job, tell)
    except TwinError as error:
        answer = error.with_traceback(None)
    except Exception as error:  # noqa: BLE001 # whoever asked shall hear of it, and no later one suffer
        answer = TwinError(f"It could not be computed: unexpected {type(error).__name__}.")
    send(answer)
    with lock:  # nothing may follow the answer
        os._exit(0)


if __name__ == "__main__":
    main()
