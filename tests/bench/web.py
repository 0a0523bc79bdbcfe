"""The web process, and its pages on the screen."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from core.concept.catalog import CONCEPTS
from core.runs.engines import FUSED
from tests.bench.report import ROOT, STEM, Row, Section, in_ms, until
from tests.bench.runs import large_table


def themes(rounds: int, quick: bool) -> Iterator[Section]:
    yield every(rounds)
    with server(LAB_HELLO="1") as web:
        yield the_web_process(web)
        yield on_screen(web, rounds)
    yield first_visits(rounds)


@dataclass
class Server:
    """A running server, and the file its log goes to."""

    url: str
    child: subprocess.Popen
    log: Path
    answers: float = 0.0  # seconds from its start to its first answer
    ready: float = 0.0  # seconds from its start to a warm worker

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/health", timeout=10) as answer:
            return json.load(answer)

    def check(self) -> None:
        """Raises RuntimeError with the end of the log when the server is gone."""
        if self.child.poll() is not None:
            lines = self.log.read_text("utf-8", "replace").splitlines()[-15:]
            raise RuntimeError("\n".join([f"the server ended with {self.child.returncode}:", *lines]))

    def megabytes(self) -> float:
        self.check()
        return psutil.Process(self.child.pid).memory_info().rss / 2**20

    def has_torch(self) -> bool | None:
        """Whether torch is in the web process; None where the system does not say."""
        try:
            return any("libtorch" in mapped.path for mapped in psutil.Process(self.child.pid).memory_maps())
        except (psutil.Error, AttributeError):
            return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(port: int = 0, root: Path = ROOT, **settings: str) -> Iterator[Server]:
    """A server of its own on this port or a free one, with an empty store, once its workers are warm. root: of the
    project."""
    port = port or free_port()
    with tempfile.TemporaryDirectory() as folder:
        store, log = Path(folder) / "store", Path(folder) / "log"
        begin = time.perf_counter()
        with log.open("w") as said:
            child = subprocess.Popen(
                [sys.executable, "-m", "core.server"],
                cwd=root,
                env=os.environ | {"LAB_PORT": str(port), "LAB_STORE": str(store)} | settings,
                stdout=said,
                stderr=said,
            )
        try:
            found = Server(f"http://127.0.0.1:{port}", child, log)

            def ready() -> bool:
                found.check()
                try:
                    health = found.health()
                except OSError:
                    return False
                found.answers = found.answers or time.perf_counter() - begin
                return health["ready"]

            until(ready, pause=0.05)
            found.ready = time.perf_counter() - begin
            yield found
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()


def the_web_process(web: Server) -> Section:
    found = Section(
        "The web process",
        "`python -m core.server` with an empty store; memory is the resident set of the server process alone, without "
        "its workers. The reader is a websocket session that opens the page of the race and stays until it is over.",
    )
    at_first = web.megabytes()
    read(web)
    found.rows += [
        Row("started → first answer of /health", "s", [web.answers]),
        Row("started → first worker warm", "s", [web.ready]),
        Row("memory when ready", "MB", [at_first]),
        Row("memory after the first reader's race", "MB", [web.megabytes()], "≤ 250"),
    ]
    torch = web.has_torch()
    if torch:
        found.failures.append("torch is in the web process")
    words = {True: "torch IS mapped into the web process.", False: "No libtorch is mapped into the web process."}
    found.remarks.append(words.get(torch, "This system does not say which libraries a process has mapped."))  # type: ignore[arg-type]
    return found


def every(rounds: int) -> Section:
    """What all concepts cost the process that every reader shares."""
    found = Section(
        "All concepts",
        f"The start of a server with its {len(CONCEPTS)} concepts, and the memory of its process after a websocket "
        "session on each of ten pages.",
    )
    answers, memory = [], []
    for _ in range(rounds):
        with server() as web:
            answers.append(web.answers)
            for entry in CONCEPTS[:: len(CONCEPTS) // 10][:10]:
                read(web, entry.stem)
            memory.append(web.megabytes())
    found.rows += [
        Row("started → first answer of /health", "s", answers),
        Row("memory after ten pages", "MB", memory, "≤ 270"),
    ]
    return found


def read(web: Server, stem: str = STEM) -> None:
    """Open a page as a browser would, and stay until the run is over."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect

    message = BackMsg()
    message.rerun_script.page_name = stem
    message.rerun_script.query_string = "lang=en"
    address = web.url.replace("http", "ws") + "/_stcore/stream"
    with connect(address, subprotocols=["streamlit"], max_size=None) as session:  # type: ignore[list-item]
        session.send(message.SerializeToString())
        heard = ForwardMsg()
        while heard.WhichOneof("type") != "script_finished":
            heard.ParseFromString(session.recv(timeout=60))  # type: ignore[arg-type]
        until(lambda: web.health()["store"]["runs"] > 0 and not web.health()["busy"], pause=0.1)


def chromium() -> str:
    """Where Chromium is, or an empty string."""
    if os.environ.get("CHROMIUM"):
        return os.environ["CHROMIUM"]
    shell = shutil.which("bash")
    script = str(ROOT / "tests" / "browser.sh")
    return subprocess.run([shell, script, "--find"], capture_output=True, text=True).stdout.strip() if shell else ""


def on_screen(web: Server, rounds: int) -> Section:
    found = Section(
        "On the screen",
        "A headless Chromium on the same machine, the HTTP cache warm, a new tab for every visit; the race is already"
        " complete, the fused kernel compiled. The empty page is a script that calls st.title and nothing else. A "
        "chart is first drawn from what the server writes into the HTML of the page, while the app starts; then the "
        "page takes it over, and it answers. Times run from the start of the navigation to the moment the thing is "
        "visible; for clicks, from the browser's own time stamp of the click to the first frame that shows the "
        "answer. The clicks are on one page of a long race (300 epochs, 10 seeds), before it is run and while it "
        "trains; and + at the weight seed of 8 contenders × 8 seeds, 2-8-8-2 tanh on XOR, batch 10, 200 epochs, which"
        " trains all anew.",
    )
    program = chromium()
    if not program:
        found.remarks.append("Not measured: no Chromium was found (tests/browser.sh says what to install).")
        return found
    from playwright.sync_api import TimeoutError, sync_playwright

    until(lambda: any(engine["device"] == FUSED for engine in web.health()["engines"]), pause=0.5)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale="en-US", base_url=web.url)
        context.set_default_timeout(20_000)
        empty, races = [], []
        for turn in range(3 * rounds + 1):  # they differ much from visit to visit
            (hello,) = visit(context, "/?hello", "h1")
            race = visit(context, f"/{STEM}?lang=en", CHART, "#root h1", f"#root {CHART}")
            if turn:  # the first visits fill the cache
                empty.append(hello)
                races.append(race)
        drawn, headed, taken = zip(*races)
        later = [chart - hello for hello, chart in zip(empty, drawn)]
        found.rows += [
            Row("empty page: heading visible", "ms", in_ms(empty)),
            Row("page of the race: chart visible", "ms", in_ms(drawn)),
            Row("its chart later than the empty page's heading by", "ms", in_ms(later), "≤ 500"),
            Row("page of the race: its own heading visible", "ms", in_ms(headed)),
            Row("page of the race: chart taken over by the page", "ms", in_ms(taken)),
        ]
        try:
            found.rows += clicks(context, rounds)
            found.rows.append(released(context, rounds))
            found.rows.append(Row("memory of the web process then", "MB", [web.megabytes()], "≤ 250"))
            found.rows.append(
                Row("own CSV of 100,000 rows chosen → read and checked", "s", brought(context, rounds), "≤ 2")
            )
        except TimeoutError as error:
            web.check()
            found.failures.append(f"the page did not answer a click ({str(error).splitlines()[-1].strip()})")
        browser.close()
    found.rows.append(Row(f"memory of the web process after {rounds} such files", "MB", [web.megabytes()]))
    return found


def first_visits(rounds: int) -> Section:
    found = Section(
        "First visits, nothing computed before",
        "Every round starts a server with an empty store on the same port and visits every page once, each in a new "
        "tab of the same headless Chromium, its HTTP cache warm, while the page starts to train its default. Before "
        "each page the same server shows “Hello, world” (a script that calls st.title and nothing else). A figure is "
        "the time from the start of the navigation until the chart of a real stored result (or on the home page a "
        "picture of the map) is on the screen with title and sentence, less the time until that heading was; negative"
        " is earlier. It stands in the HTML while the app starts; when the page itself has its chart, or its map, is "
        "beside it.",
    )
    program = chromium()
    if not program:
        found.remarks.append("Not measured: no Chromium was found (tests/browser.sh says what to install).")
        return found
    from playwright.sync_api import sync_playwright

    from core.concept.catalog import CONCEPTS

    pages = {"/?lang=en": "#root .lab-card img"} | {f"/{e.stem}?lang=en": f"#root {CHART}" for e in CONCEPTS}
    hellos: list[float] = []
    headings: list[float] = []
    later: dict[str, list[float]] = {path: [] for path in pages}
    drawn: dict[str, list[float]] = {path: [] for path in pages}
    port = free_port()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1400, "height": 1000}, base_url=f"http://127.0.0.1:{port}")
        context.set_default_timeout(60_000)
        for turn in range(rounds + 1):  # the first round fills the cache
            with server(port, LAB_HELLO="1", LAB_GRACE="1") as web:
                visit(context, "/?hello", "h1")  # unmeasured: the server's first script run
                for path, selector in pages.items():
                    (hello,) = visit(context, "/?hello", "h1")
                    early, heading, own = visit(context, path, FIRST, "#root h1", selector)
                    until(lambda: not web.health()["busy"], pause=0.1)
                    if turn:
                        hellos.append(hello)
                        headings.append(heading - hello)
                        later[path].append(early - hello)
                        drawn[path].append(own - hello)
        browser.close()
    found.rows.append(Row("“Hello, world”: heading visible", "ms", in_ms(hellos)))
    found.rows.append(Row("a page's own heading, with navigation and search: later by", "ms", in_ms(headings)))
    for path, values in later.items():
        name = path.partition("?")[0]
        found.rows.append(Row(f"{name}: first shown later by", "ms", in_ms(values), "≤ 500"))
        found.rows.append(Row(f"{name}: the page's own later by", "ms", in_ms(drawn[path])))
    for what, all_of_it, budget in (("first shown", later, "≤ 500"), ("the page's own", drawn, "")):
        medians = [median(values) for values in all_of_it.values()]
        found.rows.append(Row(f"all pages: {what} later by", "ms", in_ms(medians), budget))
    return found


def brought(context: Any, rounds: int) -> list[float]:
    """Seconds from the choice of a large file to its preview with the button that uses it."""
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.csv"
        file.write_bytes(large_table())
        for _ in range(rounds):
            page = context.new_page()
            page.goto(f"/{STEM}?lang=en")
            page.get_by_text("Own data", exact=True).click()
            field = page.locator('input[type="file"]')
            field.wait_for(state="attached")
            page.wait_for_timeout(1000)
            begin = time.perf_counter()
            field.set_input_files(file)
            page.get_by_role("button", name="Use these data").wait_for()
            taken.append(time.perf_counter() - begin)
            page.close()
    return taken


CHART = ".js-plotly-plot .main-svg"
FIRST = f"#lab-first {CHART}, #lab-first img[data-loaded]"
LOADED = """document.addEventListener("load", ({ target }) => target.dataset && (target.dataset.loaded = ""), true)"""


def visit(context: Any, path: str, *selectors: str) -> list[float]:
    """Seconds until each of these is visible in a new tab; an image with data-loaded, until its content is there."""
    page = context.new_page()
    page.add_init_script(LOADED)
    begin = time.perf_counter()
    page.goto(path, wait_until="commit")
    taken = []
    for selector in selectors:
        page.locator(selector).first.wait_for()
        taken.append(time.perf_counter() - begin)
    page.wait_for_timeout(300)  # what the page still does belongs to this visit
    page.close()
    return taken


# From the browser's time stamp of the next click to the first frame in which one of these elements shows the words.
ANSWER = """([selector, words]) => {
  window.answered = new Promise((resolve) => addEventListener("click", (event) => {
    const shows = (element) => element.checkVisibility() && element.innerText.includes(words);
    const look = () => [...document.querySelectorAll(selector)].some(shows)
      ? resolve((performance.now() - event.timeStamp) / 1000) : requestAnimationFrame(look);
    look();
  }, { capture: true, once: true }));
}"""


def clicks(context: Any, rounds: int) -> list[Row]:
    """Reaction times on one page, while nothing trains and while its own race trains."""
    from core.concept.text import words

    titles = {language: words(STEM, language).title for language in ("en", "zh")}
    page = context.new_page()
    page.goto(f"/{STEM}?lang=en&epochs=300&seeds=10&device=cpu")
    run, stop = page.locator(".st-key-run button:visible").first, page.locator(".st-key-stop button:visible").first
    run.wait_for()
    inside = f'.st-key-{STEM}-fold-lesson-en [data-testid="stExpanderDetails"] [data-testid="stMarkdown"]'
    notes, said = page.locator(f".st-key-{STEM}-fold-lesson-en summary"), page.locator(inside).first

    def unfold() -> float:
        page.evaluate(ANSWER, [inside, ""])
        notes.click()
        taken = page.evaluate("answered")
        notes.click()
        said.wait_for(state="hidden")
        return taken

    def switch() -> float:
        page.evaluate(ANSWER, ["h1", titles["zh"]])
        page.get_by_role("radio", name="中文").click()
        taken = page.evaluate("answered")
        page.get_by_role("radio", name="English").click()
        page.get_by_role("heading", name=titles["en"], exact=True).wait_for()
        return taken

    kinds = {"opening the notes": unfold, "switching the language": switch}
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in kinds}
    for act in kinds.values():
        act()  # unmeasured
    for _ in range(rounds):
        for training in (False, True):
            if training:
                run.click()
                stop.wait_for()
                page.wait_for_timeout(1000)
            for name, act in kinds.items():
                found[name][training].append(act())
            if training:
                stop.click()
                run.wait_for()
    return [
        Row(f"{name}, {when}", "ms", in_ms(values), "≤ 300")
        for name, pair in found.items()
        for when, values in zip(("nothing training", "while the race trains"), pair)
    ]


# From the browser's time stamp of the next click to the frame in which a finished run shows other curves than before.
RETRAINED = """() => {
  const curves = () => JSON.stringify(document.querySelector(".js-plotly-plot").data.map((trace) => trace.y));
  const [before, run] = [curves(), () => document.querySelector(".st-key-run button")?.checkVisibility()];
  window.answered = new Promise((resolve) => addEventListener("click", (event) => {
    const look = () => run() && curves() !== before
      ? resolve((performance.now() - event.timeStamp) / 1000) : requestAnimationFrame(look);
    look();
  }, { capture: true, once: true }));
}"""
PLAYGROUND = "data=xor&points=420&depth=2&width=8&activation=tanh&batch=10&epochs=200&seeds=8&figure=loss"


def released(context: Any, rounds: int) -> Row:
    """Seconds from letting go of a control to the final picture of a small race, trained in between."""
    page = context.new_page()
    page.goto(f"/{STEM}?lang=en&{PLAYGROUND}")
    run = page.locator(".st-key-run button:visible").first
    run.wait_for()
    page.locator(f".st-key-{STEM}-fold-more-en summary").click()
    more = page.locator(f".st-key-{STEM}-weight_seed-en").get_by_test_id("stNumberInputStepUp")
    taken = []
    for _ in range(rounds + 1):
        page.wait_for_timeout(500)
        page.evaluate(RETRAINED)
        more.click()
        taken.append(page.evaluate("answered"))
    return Row("control released → final picture, 64 networks trained anew", "ms", in_ms(taken[1:]), "≤ 700")
