"""Hours, months and years of UTC as whole numbers, for kernels."""

from actors.compiled import compiled
from actors.life_layout import YEAR_MONTHS


@compiled
def month_of_hour(hour: int) -> int:
    """Calendar month of an hour since 1970, counted from January of year 0: `12 * year + month - 1`.

    The calendar is cut into eras of 400 years that begin on 1 March, so that the leap day comes last.
    """
    day = hour // 24 + 719_468
    era = day // 146_097
    day_of_era = day - era * 146_097
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    months_since_march = (5 * day_of_year + 2) // 153
    return YEAR_MONTHS * (year + era * 400) + months_since_march + 2
