"""Sections that judge the twins on batteries of other makes: measured ones, and another group's physics."""

from tests.validation.section import Section

MEASURED_SECTIONS: tuple[Section, ...] = ()
