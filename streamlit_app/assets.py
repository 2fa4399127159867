"""Serves the chart library out of the installed package, so that no browser fetches it from elsewhere."""

import functools
import gzip
from importlib import resources

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamlit_app.live_chart import LIBRARY_PATH


def asset_routes() -> list[Route]:
    """Routes to mount beside the dashboard."""
    return [Route(LIBRARY_PATH, _chart_library, methods=["GET"])]


async def _chart_library(_request: Request) -> Response:
    return Response(
        await run_in_threadpool(_compressed_library),
        headers={
            "Content-Encoding": "gzip",
            "Content-Type": "text/javascript; charset=utf-8",
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
        },
    )


@functools.cache
def _compressed_library() -> bytes:
    return gzip.compress((resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes(), 6)
