"""What became of real blocks, from what is known of them."""

from batterytwin.events import ReplacementReason
from batterytwin.life_ends import Block, BlockEnd, LifeOutcome


def end_of(block: Block) -> BlockEnd:
    """Decides what became of a block.

    A capacity test below the limit that no later test contradicts settles it. Else the word of who replaced it counts:
    that it had come to its end, or that it went for another reason. Where nobody says why, it had come to its end if
    its twin told less than the limit to the last. The life ends when this was first known: at the first of the tests
    or statements that were not contradicted any more; so it is told too long where nobody looked for long.

    A block that serves has no end yet, and one that went for another reason none that was seen. Where its twin told
    less than the limit or a test showed it, it is known to have lived until then only.
    """
    tested_us = _tested_below_us(block)
    known_us = min((us for us in (tested_us, block.below_us) if us is not None), default=None)
    if block.gone_us is None:
        newest_us = block.since_us if block.newest_us is None else block.newest_us
        return BlockEnd(LifeOutcome.SERVING, newest_us if known_us is None else known_us)
    if tested_us is not None:
        outcome = LifeOutcome.END_TESTED
    elif block.reason is ReplacementReason.END_OF_LIFE:
        outcome = LifeOutcome.END_SAID
    elif block.reason is ReplacementReason.UNSPECIFIED and known_us is not None:
        outcome = LifeOutcome.END_TOLD
    else:
        outcome = LifeOutcome.REPLACED
    return BlockEnd(outcome, block.gone_us if known_us is None else known_us)


def _tested_below_us(block: Block) -> int | None:
    """First of the tests that showed less than the limit and were not contradicted; None = the last one did not."""
    first_us = None
    for test in block.tests:
        if test.soh_capacity >= block.end_soh:
            first_us = None
        elif not test.stopped and first_us is None:
            first_us = test.time_us
    return first_us
