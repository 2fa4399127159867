"""A child for the tests of `ChildProcess`: repeats a line, waits, or will not end when asked."""

import signal
import sys
import time

if "--ignore-sigterm" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) > 1:
    print("up", flush=True)
    time.sleep(60)
else:
    print("got " + sys.stdin.readline().strip(), flush=True)
