"""The few pieces of HTML that Streamlit has no element for."""

import html
from collections.abc import Iterable

import streamlit as st


def proportion_bar(parts: Iterable[tuple[str, str, int]]) -> None:
    """A thin bar of coloured parts.

    Args:
        parts: word, colour and count of each part.
    """
    shown = [part for part in parts if part[2] > 0]
    label = ", ".join(f"{count} {word.lower()}" for word, _, count in shown)
    spans = "".join(
        f'<span style="flex:{count};background:{colour}" title="{count} {html.escape(word.lower())}"></span>'
        for word, colour, count in shown
    )
    st.html(f'<div class="bt-bar" role="img" aria-label="{html.escape(label)}">{spans}</div>')


def colour_key(entries: Iterable[tuple[str, str, str]]) -> None:
    """What colours and marks mean.

    Args:
        entries: word, colour and sign (may be empty) of each entry.
    """
    spans = "".join(
        f'<span><i style="background:{colour}">{html.escape(sign)}</i>{html.escape(word)}</span>'
        for word, colour, sign in entries
    )
    st.html(f'<div class="bt-key">{spans}</div>')


def download_links(text: str, files: Iterable[tuple[str, str, str]]) -> None:
    """Files to take away.

    Args:
        text: what is in them.
        files: word, address and name of each file.
    """
    links = "".join(
        f'<a href="{html.escape(url)}" download="{html.escape(name)}" aria-label="Download {html.escape(word)}">'
        f"{html.escape(word)}</a>"
        for word, url, name in files
    )
    st.html(f'<div class="bt-download"><span>{html.escape(text)}</span>{links}</div>')
