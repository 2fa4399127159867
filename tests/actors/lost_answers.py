"""A store whose answer to a commit is lost on the way."""

from batterytwin.errors import StoreUnavailableError
from storage.memory_shard_store import MemoryShardStore
from storage.shard_store import ShardCommit


class LostAnswerStore(MemoryShardStore):
    """Its next commit happens, but nobody hears of it, once `lose_answer` is set."""

    lose_answer = False

    def commit(self, commit: ShardCommit) -> None:
        super().commit(commit)
        if self.lose_answer:
            self.lose_answer = False
            raise StoreUnavailableError("the connection broke during COMMIT", retry_after_s=0.1)
