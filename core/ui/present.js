// The keys of the presenter view, and what they put over the slide: question, QR code, help, black.
// One rule for going on: a covered result is revealed, a replay under way is finished, else comes the next beat.

const KEYS = { // what is done, the keys that do it, and what a button shows; clickers send PageDown, PageUp and b or .
  back: [["PageUp", "ArrowLeft"], "←"],
  on: [["PageDown", "ArrowRight", "Enter"], "→"],
  hold: [[" "], ""],
  replay: [["p"], "▶"],
  cover: [["h"], "◩"],
  ghost: [["g"], "≋"],
  seeds: [["s", "+"], "+1"],
  undo: [["0"], "↺"],
  knobs: [["k"], "⚙"],
  language: [["l"], "文"],
  code: [["q"], "▦"],
  blank: [["b", "."], "■"],
  full: [["f"], "□"],
  leave: [["x"], "✕"],
  help: [["?"], "?"],
};
const NAMES = { " ": "␣", ArrowLeft: "←", ArrowRight: "→", PageDown: "PageDown", PageUp: "PageUp" };
const ACTION = Object.fromEntries(Object.entries(KEYS).flatMap(([name, [keys]]) => keys.map((key) => [key, name])));
// Where those keys lie, for layouts that have other signs there: Cyrillic, Greek, Arabic, the digits of AZERTY.
const PLACES = {
  ...Object.fromEntries(Object.keys(ACTION).filter((key) => /^[a-z]$/.test(key)).map((key) => [`Key${key.toUpperCase()}`, key])),
  Digit0: "0", Period: ".", "Shift+Equal": "+", "Shift+Slash": "?",
};
const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const TYPED = 'input:not([type="range"]), textarea, select, [contenteditable="true"], [role="combobox"], [role="listbox"], [role="slider"]';

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) value === false || made.setAttribute(key, value === true ? "" : value);
  made.append(...children);
  return made;
}

class Presenter {
  constructor(root) {
    this.root = root;
    this.over = { cover: false, code: false, help: false, blank: false };
    window.addEventListener("keydown", (this.down = (event) => this.key(event)), true);
    document.addEventListener("lab-drawn", (this.drawn = () => this.settle()));
    window.addEventListener("pointermove", (this.moved = () => {
      root.classList.add("lab-moved");
      clearTimeout(this.rest);
      this.rest = setTimeout(() => root.classList.remove("lab-moved"), 2500);
    }));
  }

  get chart() {
    return [...document.querySelectorAll(".lab-chart.lab-big")].map((root) => root.lab).find((chart) => chart?.big?.place === this.data.place);
  }

  update(data, component) {
    const from = this.data;
    Object.assign(this, { data, component });
    if (from?.place !== data.place) {
      this.backward = from && from.beats && data.beats && data.beat < from.beat;
      this.over = { cover: !!data.question && !this.backward, code: false, help: false, blank: false };
    }
    this.target = data.beat;
    this.draw();
    this.settle();
  }

  // A result that waits for its replay is played once it can be seen.
  settle() {
    const chart = this.chart;
    if (!chart?.held || this.over.cover) return;
    if (this.backward || CALM.matches) chart.finish();
    else if (!chart.bar.hidden) chart.play();
  }

  // What a key does: by its sign; by its place where that sign is none of ours, nor a Latin letter that lies elsewhere.
  meant({ key, code, shiftKey }) {
    const own = ACTION[key.length === 1 ? key.toLowerCase() : key];
    if (own || /^[a-z]$/i.test(key)) return own;
    return ACTION[PLACES[code.startsWith("Key") || !shiftKey ? code : `Shift+${code}`]];
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const paging = event.key.startsWith("Page");
    if (!paging && event.target.closest?.(TYPED)) return;
    if (event.key.startsWith("Arrow") && event.target.closest?.('input[type="range"]')) return;
    if ([" ", "Enter"].includes(event.key) && event.target.closest?.("button, a, summary")) return;
    const name = event.key === "Escape" ? "escape" : this.meant(event);
    if (!name) return;
    event.preventDefault(); // streamlit has keys of its own
    event.stopImmediatePropagation();
    if (!event.repeat) this.act(name);
  }

  act(name) {
    const { over, chart } = this;
    if (over.blank && name !== "blank") return this.put("blank", false); // any key brings the screen back
    if (name === "escape") return this.put("help", (over.code = false));
    if (name === "on" || name === "hold") {
      if (over.help || over.code) return this.put("help", (over.code = false));
      if (over.cover) return this.put("cover", false);
      if (name === "hold" && chart?.timer) return chart.pause();
      if (name === "hold" && chart && !chart.bar.hidden && +chart.range.value < +chart.range.max) return chart.play();
      if (chart?.timer) return chart.finish();
      return this.go(1);
    }
    if (name === "back") return this.go(-1);
    if (name === "replay") return this.over.cover ? null : chart && !chart.bar.hidden && (chart.moment = +chart.range.max, chart.play());
    if (name === "ghost") return chart && ((chart.ghostless = !chart.ghostless), chart.draw(), this.draw());
    if (name === "full") return document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
    if (name in over) return this.put(name, !over[name]);
    this.component.setTriggerValue("act", { do: name });
  }

  // Beats are asked for by number, so that quick presses count and none counts twice.
  go(by) {
    const next = this.target + by;
    if (next < 1 || next > this.data.beats) return;
    this.target = next;
    this.component.setTriggerValue("act", { do: "beat", beat: next });
  }

  put(name, shown) {
    this.over[name] = shown;
    this.draw();
    this.settle();
  }

  draw() {
    const { data, over, root } = this;
    const { words } = data;
    const sheet = (name, ...content) =>
      over[name] ? [element("div", { class: `lab-over-all lab-${name}`, role: "region", "aria-label": words[name], "aria-live": "polite" }, ...content)] : [];
    const code = element("div");
    code.innerHTML = data.code; // made by the server from the address
    const rows = Object.entries(KEYS).flatMap(([name, [keys]]) => [
      element("dt", {}, ...keys.flatMap((key, i) => [i ? " " : "", element("kbd", {}, NAMES[key] ?? key)])),
      element("dd", {}, words[name]),
    ]);
    document.documentElement.classList.toggle("lab-covered", over.cover);
    const pressed = { ...over, ghost: !this.chart?.ghostless };
    const buttons = Object.entries(KEYS)
      .filter(([name, [, face]]) => face && (data.beats || !["on", "back"].includes(name)))
      .map(([name, [, face]]) => {
        const button = element("button", { type: "button", "data-do": name, title: words[name], "aria-label": words[name], "aria-pressed": name in pressed ? String(pressed[name]) : false }, face);
        button.onclick = (event) => {
          this.act(name);
          if (event.detail) document.activeElement?.blur(); // a click of the mouse leaves the keys alone
        };
        return button;
      });
    const focused = root.contains(document.activeElement) && document.activeElement.dataset.do;
    root.replaceChildren(
      ...sheet("cover", element("p", {}, data.question || words.cover), element("p", {}, words.covered)),
      ...sheet("code", element("p", {}, words.scan), code, element("p", {}, data.target), ...(data.local ? [element("p", {}, words.local)] : [])),
      ...sheet("help", element("dl", {}, ...rows)),
      ...sheet("blank"),
      element("div", { class: "lab-foot", role: "toolbar", "aria-label": words.help, hidden: data.hide.includes("keys") },
        element("div", { class: "lab-bar" }, ...buttons),
        ...(data.beats ? [element("output", {}, `${data.beat} / ${data.beats}`)] : [])),
    );
    if (focused) root.querySelector(`[data-do="${focused}"]`)?.focus();
  }

  close() {
    window.removeEventListener("keydown", this.down, true);
    document.removeEventListener("lab-drawn", this.drawn);
    window.removeEventListener("pointermove", this.moved);
    clearTimeout(this.rest);
    document.documentElement.classList.remove("lab-covered");
  }
}

const presenters = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".lab-presenter");
  if (!presenters.has(root)) presenters.set(root, (root.lab = new Presenter(root)));
  const presenter = presenters.get(root);
  presenter.update(component.data, component);
  return () => setTimeout(() => !root.isConnected && (presenter.close(), presenters.delete(root)));
}
