"""What becomes of a Ray that does not start; a real one is started in `test_ray_fleet`."""

from pathlib import Path

import pytest

from actors import ray_runtime
from batterytwin.errors import TwinError


class SlowRay:
    """Stands for `ray.init` on a machine that is too busy for it at first."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.folders: list[Path] = []

    def __call__(self, *, _temp_dir: str, **_: object) -> None:
        self.folders.append(Path(_temp_dir))
        if len(self.folders) <= self.failures:
            raise Exception("The current node timed out during startup.")  # as Ray does


def test_a_ray_that_came_too_late_is_started_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowRay(failures=1)
    monkeypatch.setattr(ray_runtime.ray, "init", slow)
    ray_runtime.start_ray(2)
    first, second = slow.folders
    assert ray_runtime.ray_folder() == second
    assert second.is_dir()
    ray_runtime.stop_ray()
    assert not first.exists()
    assert not second.exists()


def test_a_ray_that_never_starts_is_told_in_a_line_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowRay(failures=9)
    monkeypatch.setattr(ray_runtime.ray, "init", slow)
    with pytest.raises(TwinError, match=r"Ray did not start: The current node timed out"):
        ray_runtime.start_ray(2)
    assert len(slow.folders) == 2
    assert not any(folder.exists() for folder in slow.folders)
