"""Sections that judge the twins against the simulator, whose hidden truth is known."""

from tests.validation.section import Section

SIMULATED_SECTIONS: tuple[Section, ...] = ()
