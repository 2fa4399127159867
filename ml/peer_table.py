"""What peers would have said of batteries at the end of each month, for training and judging."""

from actors.remaining_life import LifePopulation
from actors.remaining_life_peers import with_peers
from batterytwin.life import Floats
from ml.life_table import LifeTable


def inputs_with_peers(table: LifeTable, population: LifePopulation) -> Floats:
    """Inputs of battery-months with what the others of their plant and site said in the same month.

    Args:
        table: battery-months, all of a plant's in each of its months; a plant is a fleet.
        population: how fast blocks of this kind age, and how alike they are.
    """
    month = table.month
    months = int(month.max()) + 1
    return with_peers(table.inputs, population, table.plant * months + month, table.site * months + month)
