"""Streamlit's own words, which it has in English only, in the language of the page.

They are the section `streamlit` of core/concept/text.*.md: in English to the letter what Streamlit says, with what
varies in braces; but for `NO_SENTENCES`, which nobody understands and which are said in other words in every language.
`PLACES` is where it says them; streamlit_words.js replaces them there and nowhere else, so that nothing a reader has
typed or brought is touched.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from core.concept.catalog import LANGUAGES
from core.concept.text import words


def _by_id(*names: str, within: str = "") -> str:
    """CSS of the elements that Streamlit calls so, or of what is in them."""
    return ", ".join(f"[data-testid={name}]{within}" for name in names)


# key of the texts → CSS of the elements that have these words as their text, label, title or placeholder
PLACES = {
    "skip": _by_id("stSkipToContent"),
    "sidebar": _by_id("stSidebar"),
    "collapse": _by_id("stSidebarCollapseButton", within=" button"),
    "expand": _by_id("stExpandSidebarButton"),
    "pages": _by_id("stSidebarNav"),
    "more_pages": _by_id("stSidebarNavViewButton"),
    "fewer_pages": _by_id("stSidebarNavViewButton"),
    "menu": _by_id("stMainMenuButton", "stMainMenuList"),
    "theme": _by_id("stThemeSwitcher"),
    "system": _by_id("stMainMenuItem-theme-System"),
    "light": _by_id("stMainMenuItem-theme-Light"),
    "dark": _by_id("stMainMenuItem-theme-Dark"),
    "print": _by_id("stMainMenuItemLabel"),
    "record": _by_id("stMainMenuItemLabel"),
    "made_with": _by_id("stMainMenuPopover", within=" *"),
    "copy_version": _by_id("stMainMenuPopover", within=" *"),
    "running": _by_id("stStatusWidgetRunningIcon"),
    "progress": _by_id("stProgress", within=" *"),
    "stop": _by_id("stStatusWidget", within=" *"),
    "stopping": _by_id("stStatusWidget", within=" *"),
    "connecting": _by_id("stConnectionStatus", within=" *"),
    "no_connection": "[role=dialog] h2",
    "no_answer": "[role=dialog] div",
    "timed_out": "[role=dialog] div",
    "bad_message": "[role=dialog] h2",
    "no_page": "[role=dialog] h2",
    "no_such_page": "[role=dialog] div",
    "no_page_named": "[role=dialog] div",
    "close": "[role=dialog] button",
    "failed": _by_id("stExceptionMessage"),
    "help": _by_id("stTooltipHoverTarget", within=" button"),
    "help_for": _by_id("stTooltipHoverTarget", within=" button"),
    "apply": _by_id("InputInstructions", within=" span"),
    "less": _by_id("stNumberInputStepDown"),
    "more": _by_id("stNumberInputStepUp"),
    "out_of_range": "[role=alert], [role=tooltip] *",
    "out_of_range_error": _by_id("stNumberInput", within=" [role=alert]"),
    "choose": _by_id("stSelectbox", "stMultiSelect", within=" input"),
    "choose_or_add": _by_id("stSelectbox", within=" input"),
    "clear": _by_id("stSelectbox", "stNumberInput", "stTextInput", within=" button"),
    "clear_all": _by_id("stMultiSelect", within=" button"),
    "open": _by_id("stSelectbox", "stMultiSelect", within=" button"),
    "dismiss": _by_id("stSelectboxVirtualDropdown", "stMultiSelectDropdown", within=" button"),
    "none": "[role=listbox] [role=option]:not([data-rac]) *",
    "at_most": "[role=listbox] [role=option]:not([data-rac]) *",
    "new": "[role=option][data-key=__creatable__] *",
    "chosen": _by_id("stMultiSelectTagsContainer", within=" [role=group]"),
    "take_out": f"{_by_id('stMultiSelectTagsContainer', within=' button')}, {_by_id('stFileChip', within=' button')}",
    "one_option": "[data-live-announcer] [role=log] *",
    "options": "[data-live-announcer] [role=log] *",
    "is_chosen": "[data-live-announcer] [role=log] *",
    "upload": f"{_by_id('stFileUploader', within=' button')}, {_by_id('stFileUploader', within=' button *')}",
    "another_file": _by_id("stFileUploader", within=" button"),
    "add_icon": _by_id("stFileUploader", within=" button span"),
    "upload_icon": _by_id("stFileUploader", within=" button span"),
    "file_input": _by_id("stFileUploaderDropzoneInput"),
    "drop": _by_id("stFileUploaderDropzone", within=" *"),
    "per_file": _by_id("stFileUploaderDropzoneInstructions", within=" *"),
    "too_large": _by_id("stFileUploader", within=" *"),
    "error": _by_id("stFileUploader", within=" [role=alert]"),
    "cookie_gone": _by_id("stFileUploader", within=" [role=alert]"),
    "not_sent": _by_id("stFileUploader", within=" [role=alert]"),
    "empty": _by_id("stTableStyledEmptyTableCell"),
    "wide_table": "[aria-label='Scrollable table']",
    "check": "[role=img]",
    "cross": "[role=img]",
    "question": "[role=img]",
    "hourglass": "[role=img]",
}

# key of the texts → what Streamlit says in every language; of two that fit, the first
NO_SENTENCES = {
    "cookie_gone": "AxiosError: Request failed with status code 403",  # a file comes with a token from a cookie
    "not_sent": "AxiosError: {reason}",
}


@cache
def script() -> str:
    """For the HTML of every page; it follows the language that the page is in."""
    said: list[tuple[str, dict[str, str]]] = []
    for key, place in PLACES.items():
        forms: dict[str, str] = {language: words("", language).say(f"streamlit.{key}") for language in LANGUAGES}
        if key in NO_SENTENCES:
            forms[""] = NO_SENTENCES[key]
        said.append((place, forms))
    table = json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")
    code = (Path(__file__).parent / "streamlit_words.js").read_text("utf-8")
    return f"<script>{{const SAID = {table};\n{code}}}</script>"
