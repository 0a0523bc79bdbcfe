// One chart: plotly drawn in place, so that zoom and hidden traces survive every update, with a scrubber and chips. To
// a screen reader it is an image with a sentence; what takes a click can be pointed at with the keys.

const PLOTLY = new URL("lab/plotly.min.js", document.baseURI).href;
let loading = null;

function plotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  return (loading ??= new Promise((resolve, reject) => {
    let script = document.querySelector('script[src$="lab/plotly.min.js"]'); // the server puts it into a concept's page
    if (!script) {
      script = document.createElement("script");
      script.src = PLOTLY;
      document.head.appendChild(script);
    }
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", reject);
  }));
}
plotly();

const KINDS = {
  f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array,
};

// Base64 of little-endian numbers → typed array.
function numbers(kind, base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new KINDS[kind](bytes.buffer);
}

const values = (a) => (a && a.bdata ? numbers(a.dtype, a.bdata) : a);

// Slice `index` of a packed stack as nested plain arrays.
function slice(stack, index) {
  if (stack.texts) return stack.texts[index];
  stack.numbers ??= numbers(stack.type, stack.data);
  const [, ...shape] = stack.shape;
  const size = shape.reduce((a, b) => a * b, 1);
  const flat = stack.numbers.subarray(index * size, (index + 1) * size);
  if (shape.length === 1) return Array.from(flat);
  return Array.from({ length: shape[0] }, (_, row) => Array.from(flat.subarray(row * shape[1], (row + 1) * shape[1])));
}

function put(object, path, value) {
  const keys = path.split(".");
  const last = keys.pop();
  const owner = keys.reduce((o, key) => (o[key] = { ...o[key] }), object);
  owner[last] = value;
}

// For a room: type of 24 pixels on a screen of 1080 lines, smaller on a smaller one.
const TYPE = 24 / 13, FOOT = 64; // pixels kept below a large figure
const scale = () => Math.max(1, TYPE * Math.min(window.innerHeight / 1080, window.innerWidth / 1600));

const LENGTHS = new Set(["width", "thickness", "itemwidth", "standoff", "xshift", "yshift", "l", "r", "t", "b"]);
const KEPT = new Set(["x", "y", "z", "text", "customdata", "meta", "domain", "range"]); // numbers that are not lengths
const SMALLEST = 13; // type of a figure on its page; what is smaller there is no smaller in a room

// A part of a figure with every size of type, line and mark multiplied.
function enlarged(part, by, key = "", within = "") {
  if (Array.isArray(part)) return part.map((one) => enlarged(one, by, key, within));
  if (typeof part === "number") {
    if (key === "size") return /font$/.test(within) ? Math.max(part, SMALLEST) * by : part * by;
    return LENGTHS.has(key) ? part * by : part;
  }
  if (!part || typeof part !== "object" || part.bdata) return part;
  const large = Object.fromEntries(Object.entries(part).map(([name, one]) => [name, KEPT.has(name) ? one : enlarged(one, by, name, key)]));
  if (part.type === "log" && /axis/.test(key) && !part.dtick) large.nticks = 5; // whole decades, where there are several
  return large;
}

// Lines and marks of an earlier figure, to be seen faintly behind a new one.
const faint = (traces) =>
  traces
    .filter(({ type, mode = "lines", line }) => (type ?? "scatter") === "scatter" && mode !== "text" && line?.width !== 0)
    .map(({ uid, legendgroup, name, fill, text, ...trace }) => ({
      ...trace, mode: (trace.mode ?? "lines").replace("+text", ""), opacity: 0.28, showlegend: false, hoverinfo: "skip",
    }));

// Until the browser has nothing else to do: the answer to a click is drawn before the next look at a run.
const idle = () => new Promise((resolve) => (window.requestIdleCallback || setTimeout)(resolve, { timeout: 200 }));

// The page's own typefaces as rules that a picture carries with it: inside an image nothing else is at hand.
let faces = null;
function typefaces() {
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).filter((rule) => rule instanceof CSSFontFaceRule && /Inter/.test(rule.cssText));
  return (faces ??= Promise.all(rules.map(async ({ cssText }) => {
    const [whole, address] = cssText.match(/url\("?([^")]+)"?\)/);
    const blob = await (await fetch(new URL(address, document.baseURI))).blob();
    const reader = new FileReader();
    reader.readAsDataURL(blob);
    await new Promise((done) => (reader.onload = done));
    return cssText.replace(whole, `url(${reader.result})`);
  })).then((all) => all.join("\n")));
}

function save(blob, file) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: file });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Four corners: a figure over the whole screen.
const FULL = { width: 24, height: 24, path: "M3 9V3h6v2H5v4zM15 3h6v6h-2V5h-4zM21 15v6h-6v-2h4v-4zM9 21H3v-6h2v4h4z" };

// What plotly calls the buttons over a figure, and what we do.
const BUTTONS = {
  "Zoom": "zoom", "Pan": "pan", "Box Select": "box", "Zoom in": "zoom_in", "Zoom out": "zoom_out", "Reset axes": "reset_axes",
  "Picture": "png", "Full screen": "full_screen",
};
// What plotly says by itself for a moment, and what we say.
const TOASTS = { "Double-click to zoom back out": "zoomed", "Double-click on legend to isolate one trace": "hidden" };
const FINGER = matchMedia("(hover: none)"); // on this screen one points with a finger
const PAPER = matchMedia("print");
const INK = "#15181d"; // of text on paper, whatever the theme
const SHEET = 700; // pixels: the width of A4 or Letter, upright, between its margins
const NEAR = 14; // pixels: how near a press must come to a point
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const PHONE = 640, LOWEST = 280; // pixels: up to this width columns stand below each other; a figure is no lower than that
const NARROW = 500, BETWEEN = 84; // pixels: narrower figures stack their panels, with room for words between them

// The layout with its panels below each other, in the order of reading: each as wide as the figure, as high as it was.
function stacked(layout) {
  const named = (axis) => axis.replace(/^[xy]/, "$&axis");
  const panels = Object.keys(layout)
    .filter((key) => /^yaxis\d*$/.test(key))
    .map((y) => ({ y: layout[y], x: layout[named(layout[y].anchor ?? "x")] }))
    .sort((a, b) => b.y.domain[1] - a.y.domain[1] || a.x.domain[0] - b.x.domain[0]);
  const high = layout.height ?? 420;
  const heights = panels.map(({ y }) => (y.domain[1] - y.domain[0]) * high);
  const tall = heights.reduce((sum, one) => sum + one + BETWEEN, -BETWEEN);
  const titles = (layout.annotations ?? []).filter(({ xref, yref }) => xref === "paper" && yref === "paper");
  let top = 1;
  panels.forEach(({ x, y }, i) => {
    const [left, right] = x.domain, above = y.domain[1];
    for (const title of titles) {
      if (title.moved || Math.abs(title.x - (left + right) / 2) > 1e-6 || Math.abs(title.y - above) > 1e-6) continue;
      Object.assign(title, { x: 0.5, y: top, moved: true });
    }
    x.domain = [0, 1];
    y.domain = [Math.max(0, top - heights[i] / tall), top];
    top -= (heights[i] + BETWEEN) / tall;
    if (!y.matches) return;
    y.showticklabels = true;
    if (!y.title?.text) y.title = layout[named(y.matches)].title;
  });
  for (const title of titles) delete title.moved;
  if (layout.legend?.y > 1) layout.legend.y = 1 + ((layout.legend.y - 1) * high) / tall;
  layout.height = Math.round(tall);
}

class Chart {
  constructor(root) {
    this.root = root;
    [this.plot, this.bar, this.chips, this.keys, this.cross, this.note, this.said] =
      ["plot", "scrub", "chips", "keys", "cross", "note", "said"].map((name) => root.querySelector(`.lab-${name}`));
    this.note.id = `lab-note-${Math.random().toString(36).slice(2)}`;
    [this.button, this.range, this.output] = this.bar.children;
    this.active = null; // chips switched on
    this.locale = {}; // plotly's words in the reader's language; one object: to plotly another is another chart
    this.moment = null; // index into scrub.values, or null for the end
    this.button.onclick = () => (this.timer ? this.pause() : this.play());
    this.range.oninput = () => { this.pause(); this.show(+this.range.value); };
    this.listen();
    root.addEventListener("lab-picture", (event) => this.picture(event.detail));
    this.print();
    root.addEventListener("fullscreenchange", () => this.draw());
    this.fill = () => (this.full ? document.exitFullscreen() : root.requestFullscreen()); // one function: to plotly another is another chart
    this.snap = () => this.picture("png");
    this.point();
  }

  async update(data, component) {
    Object.assign(this, { words: data.words, dark: data.dark, wants: data.wants, named: data.named, component, newest: data.figure, big: data.big });
    this.root.classList.toggle("lab-pale", data.pale);
    this.tell(data);
    this.root.classList.toggle("lab-big", !!data.big);
    this.library = await plotly();
    if (this.heard) await idle();
    if (data.figure !== this.newest) return; // a later one waits behind this
    if (this.big && !data.pale && this.big.run !== this.run) {
      this.before = this.run && this.source; // the figure of the run before
      this.run = this.big.run;
    }
    const ends = this.big?.done && this.big.run !== this.ended; // a run has just come to its end, or came from the store
    if (ends) {
      const covered = document.documentElement.classList.contains("lab-covered");
      this.ended = this.big.run;
      this.held = !this.big.still && (covered || !this.big.seen); // waits for its replay
    }
    if (data.figure !== this.source) {
      this.source = data.figure;
      this.figure = null;
    }
    this.theme();
    this.read();
    const meta = this.figure.layout.meta || {};
    this.offer(meta.chips);
    const scrub = meta.scrub;
    this.bar.hidden = !scrub || scrub.values.length < 2;
    if (ends) this.pause(), (this.moment = (this.held || this.big.still) && !this.bar.hidden ? 0 : null);
    if (this.bar.hidden) this.pause(), (this.moment = null);
    else {
      const last = scrub.values.length - 1;
      const atEnd = this.moment === null || (this.moment > 0 && this.moment === +this.range.max); // it stays at the end
      this.moment = atEnd ? last : Math.min(this.moment, last);
      this.range.max = last;
      this.range.value = this.moment;
      this.range.setAttribute("aria-label", this.words.moment);
      this.label();
    }
    this.draw();
    if (this.big) this.root.dispatchEvent(new CustomEvent("lab-drawn", { bubbles: true }));
  }

  // The figure as it is to be drawn, and the faint one of the run before.
  read() {
    const size = this.big ? scale() : 1;
    if (this.figure && this.size === size) return;
    const parsed = (source) => enlarged(JSON.parse(this.isDark ? this.darkened(source) : source), size);
    this.size = size;
    this.figure = this.big ? parsed(this.source) : JSON.parse(this.isDark ? this.darkened(this.source) : this.source);
    this.ghost = this.before ? faint(parsed(this.before).data) : [];
  }

  // Colours of the page's theme; figures carry the light palette, the dark one is put in its place.
  theme() {
    const style = getComputedStyle(this.root);
    const ink = this.paper ? INK : style.color;
    const [r, g, b] = (ink.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
    const isDark = !this.paper && r + g + b > 384;
    if (isDark !== this.isDark) this.figure = null;
    Object.assign(this, { ink, isDark, font: style.fontFamily });
  }

  darkened(source) {
    return source.replace(/#[0-9a-f]{6}/gi, (hex) => this.dark[hex.toLowerCase()] || hex);
  }

  // What a screen reader is told: of the image at all times, of itself when a run is over and says something new.
  tell({ summary, over, words }) {
    this.plot.parentElement.setAttribute("aria-label", (this.summary = summary));
    this.plot.parentElement.setAttribute("aria-describedby", this.note.id);
    this.note.textContent = words.table_below;
    this.chips.setAttribute("aria-label", words.shown);
    this.bar.setAttribute("aria-label", words.moment);
    const { clicks, picks, drags } = this.wants;
    this.keys.hidden = !(clicks || picks || drags);
    this.keys.textContent = clicks || !(picks || drags) ? words.point : drags ? words.move : words.pick;
    const told = over ? summary : this.told;
    if (this.told !== undefined && told !== this.told) this.said.textContent = told;
    this.told = told ?? "";
  }

  offer(chips) {
    this.chips.hidden = !chips;
    if (!chips) return;
    this.active ??= new Set(chips.active);
    const focused = [...this.chips.children].indexOf(document.activeElement);
    this.chips.replaceChildren(
      ...chips.options.map(({ id, label }) => {
        const chip = document.createElement("button");
        chip.textContent = label;
        chip.setAttribute("aria-pressed", this.active.has(id));
        chip.onclick = () => {
          this.active.has(id) && this.active.size > 1 ? this.active.delete(id) : this.active.add(id);
          this.offer(chips);
          this.draw();
        };
        return chip;
      }),
    );
    this.chips.children[focused]?.focus();
  }

  // The traces as they are to be seen now: at the moment chosen, with the chips switched on.
  traces() {
    const { scrub, chips } = this.figure.layout.meta || {};
    const early = scrub && this.moment !== null && this.moment < scrub.values.length - 1;
    const named = new Set(); // legend groups that have their entry already
    const behind = this.big && !this.ghostless ? this.ghost : [];
    return this.figure.data
      .map((trace, i) => {
        if (!early) return { ...trace }; // plotly writes into what it is given
        const changed = { ...trace };
        if (scrub.cut.includes(i)) {
          const clock = trace.meta?.clock ?? values(trace.x);
          const n = clock.filter((v) => v <= scrub.values[this.moment]).length;
          changed.x = Array.from(values(trace.x).slice(0, n));
          changed.y = Array.from(values(trace.y).slice(0, n));
        }
        for (const [path, stack] of Object.entries(scrub.stacks[i] || {})) put(changed, path, slice(stack, this.moment));
        return changed;
      })
      .concat(behind)
      .filter((trace) => !chips || !trace.meta?.[chips.role] || this.active.has(trace.meta[chips.role]))
      .map((trace) => {
        if (!chips || !trace.name || trace.hoverinfo === "skip" || !trace.legendgroup) return trace;
        const first = !named.has(trace.legendgroup);
        named.add(trace.legendgroup);
        return { ...trace, showlegend: first };
      });
  }

  draw() {
    // A copy: plotly writes a reader's zoom into what it is given, and would take it for ours at the next drawing.
    const { meta, ...given } = this.figure.layout;
    const layout = { ...structuredClone(given), meta, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true };
    for (const [i, shots] of Object.entries((this.moment !== null && meta?.scrub?.shots) || {})) layout.images[i].source = shots[this.moment];
    layout.font = { ...layout.font, color: this.ink, family: this.font };
    layout.hoverlabel = { ...layout.hoverlabel, bgcolor: this.isDark ? "#20252c" : "#fdfcf9", font: { color: this.ink } };
    layout.modebar = { ...layout.modebar, color: this.isDark ? "#a3a8b1" : "#5c616b", activecolor: this.ink };
    layout.dragmode = this.drags ?? (FINGER.matches ? false : this.wants.selects ? "select" : layout.dragmode);
    const { aspect, least } = layout.meta || {};
    this.width = this.plot.clientWidth;
    if (this.big || this.full) layout.height = this.room();
    else this.high = layout.height = this.fitting(this.wanted = aspect ? Math.max(least ?? 0, Math.min(Math.round(aspect * this.width), 820)) : layout.height ?? 420);
    if (layout.meta?.stack && this.width < NARROW && !this.big && !this.full) stacked(layout);
    this.plot.style.height = `${layout.height || 420}px`;
    this.locale.dictionary = Object.fromEntries(Object.entries(TOASTS).map(([theirs, ours]) => [theirs, this.words[ours]]));
    const config = {
      locale: "lab", locales: { lab: this.locale }, responsive: true, displaylogo: false,
      doubleClick: this.wants.picks || this.wants.drags ? false : "reset+autosize", // quick picks are no zoom
      displayModeBar: FINGER.matches || "hover",
      modeBarButtonsToRemove: ["toImage", "lasso2d", "autoScale2d", "sendChartToCloud", ...(this.wants.selects ? [] : ["select2d"])],
      modeBarButtonsToAdd: [
        { name: "png", title: "Picture", icon: this.library.Icons.camera, click: this.snap },
        ...(this.big || !document.fullscreenEnabled ? [] : [{ name: "full", title: "Full screen", icon: FULL, click: this.fill }]),
      ],
    };
    this.library.react(this.plot, this.traces(), layout, config);
    this.measure();
    for (const button of this.plot.querySelectorAll(".modebar-btn")) {
      button.dataset.plotly ??= button.dataset.title;
      button.dataset.title = this.words[BUTTONS[button.dataset.plotly]] ?? button.dataset.plotly;
      button.setAttribute("aria-label", button.dataset.title);
    }
    const [image, ...others] = this.plot.querySelectorAll(".main-svg"); // the buttons above them stay buttons
    image.setAttribute("role", "img");
    image.setAttribute("aria-label", this.summary);
    for (const other of others) other.setAttribute("aria-hidden", "true");
    if (!this.heard) {
      this.heard = true;
      this.plot.on("plotly_selected", (event) => {
        if (!this.wants.selects || !event?.points?.length) return;
        const points = event.points.map(({ x, y }) => ({ x, y }));
        this.component.setTriggerValue("selected", points);
        this.library.update(this.plot, { selectedpoints: [null] }, { selections: [] }); // the box has done its work
      });
      this.plot.on("plotly_afterplot", () => this.measure());
      this.plot.on("plotly_relayout", ({ dragmode }) => {
        if (dragmode === undefined) return;
        this.drags = dragmode; // as the reader chose it by a button
        this.root.classList.toggle("lab-drags", !!dragmode);
      });
    }
  }

  get full() {
    return document.fullscreenElement === this.root;
  }

  // Pixels from the top of a large figure to the foot of the window.
  room() {
    const below = (this.full ? 0 : FOOT) + (this.bar.hidden ? 0 : this.bar.offsetHeight);
    return Math.max(320, window.innerHeight - Math.max(0, this.plot.getBoundingClientRect().top + window.scrollY) - below);
  }

  // The height of a figure that wants this one: on a first screen it is whole, with its scrubber.
  fitting(wanted) {
    const top = this.plot.getBoundingClientRect().top + (document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0);
    if (this.paper || window.innerWidth <= PHONE || top > window.innerHeight / 2) return wanted;
    return Math.max(LOWEST, Math.min(wanted, window.innerHeight - top - (this.bar.hidden ? 0 : this.bar.offsetHeight) - 8));
  }

  label() {
    const scrub = this.figure.layout.meta.scrub;
    this.output.textContent = `${scrub.label} ${scrub.values[this.moment]}`;
    this.button.textContent = this.timer ? "❚❚" : "▶";
    this.button.setAttribute("aria-label", this.timer ? this.words.pause : this.words.play);
    this.range.setAttribute("aria-valuetext", this.output.textContent);
  }

  show(index) {
    this.moment = index;
    this.range.value = index;
    this.label();
    this.draw();
  }

  finish() {
    this.pause();
    this.held = false;
    if (!this.bar.hidden) this.show(+this.range.max);
  }

  // A finished run replays in about six seconds, whatever it took to compute.
  play() {
    const last = this.figure.layout.meta.scrub.values.length - 1;
    let index = this.moment >= last ? 0 : this.moment;
    this.pause();
    this.held = false;
    const pause = Math.max(60, Math.min(400, 6000 / (last + 1)));
    const stride = Math.max(1, Math.round((pause * (last + 1)) / 6000));
    const [from, begun] = [index, performance.now()]; // a slow machine shows fewer moments, not a longer replay
    this.timer = setInterval(() => {
      index = Math.min(from + Math.max(1, Math.round((performance.now() - begun) / pause)) * stride, last);
      if (index >= last) this.pause();
      this.show(index);
    }, pause);
    this.show(index);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    if (this.figure?.layout.meta?.scrub && !this.bar.hidden) this.label();
  }

  // A file of the chart as it is seen: its moment, its traces, its zoom, with a title above and its origin below.
  async picture(format) {
    const { title, origin } = this.named;
    const file = `${this.named.file}.${format}`;
    const [width, height] = [this.plot.clientWidth, this.plot.clientHeight];
    const scrub = this.bar.hidden ? "" : ` · ${this.output.textContent}`;
    const layout = { ...this.plot.layout, autosize: false };
    const inner = await this.library.toImage({ data: this.plot.data, layout }, { format: "svg", width, height, imageDataOnly: true });
    const pen = document.createElement("canvas").getContext("2d");
    const line = (text, size, weight, y) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", "text");
      pen.font = `${weight} ${size}px ${this.font}`;
      const fit = Math.min(1, (width - 16) / pen.measureText(text).width);
      for (const [name, value] of Object.entries({ x: 8, y, fill: this.ink, "font-size": fit * size, "font-weight": weight })) node.setAttribute(name, value);
      node.textContent = text;
      return new XMLSerializer().serializeToString(node);
    };
    const lines = origin.split("\n").map((one, i) => line(one, 11, 400, height + 50 + 16 * i));
    const tall = height + 44 + 16 * lines.length;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${tall}" viewBox="0 0 ${width} ${tall}" font-family="${this.font.replace(/"/g, "'")}">
<style>${await typefaces()}</style><rect width="100%" height="100%" fill="${this.isDark ? "#15181d" : "#ffffff"}"/>
${line(title + scrub, 16, 600, 24)}<g transform="translate(0,32)">${inner}</g>${lines.join("")}</svg>`;
    if (format === "svg") return save(new Blob([svg], { type: "image/svg+xml" }), file);
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * tall });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(image.src);
    canvas.toBlob((blob) => save(blob, file), "image/png");
  }

  // A finger scrolls the page, also over a figure. It drags in the figure while a button over it is switched on, which
  // a second press switches off.
  touch() {
    this.plot.addEventListener("touchstart", (event) => this.drags || event.stopPropagation(), { capture: true, passive: true });
    this.plot.addEventListener("click", (event) => {
      if (!event.target.closest?.('.modebar-btn.active[data-attr="dragmode"]')) return;
      event.stopPropagation();
      this.library.relayout(this.plot, { dragmode: false });
    }, true);
  }

  // Pixels of the plot's own in one of the screen, across and down: CSS may have zoomed or scaled the page around it.
  own() {
    const box = this.plot.getBoundingClientRect();
    return [this.plot.offsetWidth / box.width, this.plot.offsetHeight / box.height];
  }

  // plotly thinks of what scales, but not of what zooms.
  measure() {
    this.plot._fullLayout._calcInverseTransform = () => {
      const [x, y] = this.own();
      Object.assign(this.plot._fullLayout, { _invTransform: [[x, 0, 0, 0], [0, y, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], _invScaleX: x, _invScaleY: y });
    };
  }

  // A click anywhere inside the axes, on a point or beside one, in the units of the axes.
  listen() {
    let down = null;
    this.touch();
    const pixels = (event) => {
      const box = this.plot.getBoundingClientRect();
      const [x, y] = this.own();
      return [(event.clientX - box.left) * x, (event.clientY - box.top) * y];
    };
    this.plot.addEventListener("pointerdown", (event) => {
      down = event.isPrimary ? event : null; // two fingers click nothing
      this.grabbed = down && this.wants?.drags ? this.near(...pixels(event), true) : null;
    }, true);
    for (const kind of ["mousedown", "touchstart"]) { // with a point in hand neither plotly drags nor the page scrolls
      this.plot.addEventListener(kind, (event) => this.grabbed && (event.preventDefault(), event.stopPropagation()), { capture: true, passive: false });
    }
    const moved = (event) => Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > (event.pointerType === "touch" ? 12 : 4); // pixels
    window.addEventListener("pointermove", (this.moves = (event) => {
      if (this.grabbed && down && (this.grabbed.to || moved(event))) this.carry(this.grabbed, ...pixels(event));
    }), true);
    window.addEventListener("pointercancel", (this.cancel = () => {
      if (this.grabbed?.to) this.draw();
      this.grabbed = down = null;
    }), true);
    window.addEventListener("pointerup", (this.up = (event) => {
      const [start, point] = [down, this.grabbed];
      this.grabbed = null;
      if (point?.to) this.drop(point);
      else if (start && !moved(event)) this.press(...pixels(event));
      down = null;
    }), true);
    this.sizes = new ResizeObserver(() => { // plotly heeds the window alone, not a sidebar that folds or a page that CSS zooms
      if (!this.library || !this.figure) return;
      if (this.big) this.read();
      else if (this.width === this.plot.clientWidth && this.high === this.fitting(this.wanted)) return; // it grew by what was drawn
      this.draw();
    });
    this.sizes.observe(this.root);
    const page = document.querySelector("[data-testid=stMainBlockContainer]"); // what comes above moves the figure
    if (page) this.sizes.observe(page);
    window.addEventListener("resize", (this.resized = () => this.big && this.library && this.figure && (this.read(), this.draw())));
    this.dusk = matchMedia("(prefers-color-scheme: dark)");
    this.dusk.onchange = () => setTimeout(() => this.source && this.update({ ...this.last }, this.component), 100);
  }

  // What can be picked or dragged: points and cells with customdata, where they are in the plot and how near counts.
  targets() {
    const layout = this.plot._fullLayout || {}, found = [];
    for (const trace of this.plot._fullData || []) {
      const axes = ["x", "y"].map((axis) => `${axis}axis${(trace[`${axis}axis`] ?? axis).slice(1)}`);
      const [x, y] = axes.map((name) => layout[name]);
      if (!trace.customdata || trace.visible !== true || trace.hoverinfo === "skip" || !x || !y) continue;
      const at = (across, down, id, place, reach = [NEAR, NEAR]) => found.push({
        trace, axes, id: String(id), place, reach, name: trace.name ?? "", drags: !!trace.meta?.drags,
        px: x._offset + x.d2p(across), py: y._offset + y.d2p(down),
      });
      if (!trace.z) Array.from(trace.customdata).forEach((id, i) => at(trace.x?.[i] ?? i, trace.y?.[i] ?? i, id, i));
      else {
        const [across, down] = [(k) => trace.x?.[k] ?? k, (i) => trace.y?.[i] ?? i];
        const wide = trace.customdata[0].length, high = trace.customdata.length;
        const reach = [[x, across, wide], [y, down, high]].map(([axis, value, n]) => (n > 1 ? Math.abs(axis.d2p(value(1)) - axis.d2p(value(0))) : axis._length) / 2);
        for (let i = 0; i < high; i++) for (let k = 0; k < wide; k++) at(across(k), down(i), trace.customdata[i][k], [i, k], reach);
      }
    }
    return found;
  }

  // The target at a place of the plot, if there is one.
  near(px, py, drags = false) {
    const far = ({ px: x, py: y }) => Math.hypot(x - px, y - py);
    return this.targets()
      .filter((one) => (!drags || one.drags) && Math.abs(one.px - px) <= one.reach[0] && Math.abs(one.py - py) <= one.reach[1])
      .sort((one, other) => far(one) - far(other))[0];
  }

  // A press at a place of the plot: it picks what is there, or clicks into the axes.
  press(px, py) {
    const target = this.wants?.picks && this.near(px, py);
    if (target) return this.component.setTriggerValue("pick", { name: target.name, id: target.id });
    const { xaxis, yaxis } = this.plot._fullLayout || {};
    if (!this.wants?.clicks || !xaxis) return;
    const [x, y] = [px - xaxis._offset, py - yaxis._offset];
    if (x < 0 || y < 0 || x > xaxis._length || y > yaxis._length) return;
    this.component.setTriggerValue("click", { x: xaxis.p2d(x), y: yaxis.p2d(y) });
  }

  // Show a dragged point where it would be; Python is told when it is dropped.
  carry(point, px, py) {
    const { trace, place } = point;
    const [x, y] = point.axes.map((name) => this.plot._fullLayout[name]); // others than before, if it was drawn since
    const value = (axis, at) => axis.p2d(Math.min(axis._length, Math.max(0, at - axis._offset)));
    point.to = { x: value(x, px), y: value(y, py) };
    const [xs, ys] = [trace.x, trace.y].map((numbers) => Array.from(numbers));
    [xs[place], ys[place]] = [point.to.x, point.to.y];
    const still = Object.fromEntries(point.axes.map((name) => [`${name}.range`, [...this.plot._fullLayout[name].range]])); // under the hand
    this.library.update(this.plot, { x: [xs], y: [ys] }, still, [trace.index]);
  }

  drop({ name, id, to }) {
    this.component.setTriggerValue("drag", { name, id, ...to });
  }

  // On paper the figure is as wide as the paper, and light. Browsers say only some of them how wide that is.
  print() {
    const fit = (width, paper) => {
      if (!this.library || !this.figure) return;
      this.plot.style.width = width;
      this.paper = paper;
      this.theme();
      this.read();
      this.draw();
    };
    window.addEventListener("beforeprint", (this.beforePaper = () => fit(`${SHEET}px`, true)));
    PAPER.addEventListener("change", (this.onPaper = () => fit("", PAPER.matches)));
    window.addEventListener("afterprint", (this.afterPaper = () => fit("", false)));
  }

  // The same without a mouse: arrows move a cross over the axes (with Shift further), or from target to target where
  // nothing else can be hit, PageDown goes to the next target; Enter or space clicks, picks, or takes hold of a point,
  // which then goes with the cross until the next Enter, or Escape.
  point() {
    let at = [0.5, 0.5]; // share of the axes, from the left and from the top
    let held = null;
    const axes = () => this.plot._fullLayout || {};
    const pixels = () => [axes().xaxis._offset + at[0] * axes().xaxis._length, axes().yaxis._offset + at[1] * axes().yaxis._length];
    const place = () => {
      const { xaxis, yaxis } = axes();
      const [px, py] = pixels();
      Object.assign(this.cross.style, { left: `${px}px`, top: `${py}px` });
      const target = this.wants.picks || this.wants.drags ? this.near(px, py) : null;
      if (target && !held) return [target.name, target.id].filter(Boolean).join(": ");
      return [xaxis.p2d(px - xaxis._offset), yaxis.p2d(py - yaxis._offset)].map((value) => value.toPrecision(3)).join(", ");
    };
    const go = ({ px, py }) => (at = [(px - axes().xaxis._offset) / axes().xaxis._length, (py - axes().yaxis._offset) / axes().yaxis._length]);
    const aim = ([across, down]) => {
      const [px, py] = pixels();
      const along = (one) => (one.px - px) * across + (one.py - py) * down;
      const far = (one) => along(one) + 2 * Math.abs((one.px - px) * down + (one.py - py) * across); // what lies straight ahead is nearer
      const ahead = this.targets().filter((one) => along(one) > 1);
      if (ahead.length) go(ahead.reduce((best, one) => (far(one) < far(best) ? one : best)));
    };
    const turn = (back) => {
      const all = this.targets();
      const now = all.findIndex((one) => one.id === this.near(...pixels())?.id);
      if (all.length) go(all[(now + (back ? all.length - (now >= 0) : 1)) % all.length]);
    };
    const show = (on) => {
      this.cross.hidden = !on || !axes().xaxis;
      if (!this.cross.hidden) place();
    };
    const let_go = () => {
      if (held) this.draw();
      held = null;
    };
    this.keys.onfocus = () => show(true);
    this.keys.onblur = () => (let_go(), show(false));
    this.keys.onclick = () => {
      if (!axes().xaxis) return;
      if (held) held.to ? this.drop(held) : this.draw();
      else if ((held = this.wants.drags ? this.near(...pixels(), true) : null)) return;
      else this.press(...pixels());
      held = null;
    };
    this.keys.onkeydown = (event) => {
      const way = ARROWS[event.key], page = /^Page(Up|Down)$/.test(event.key) && (this.wants.picks || this.wants.drags) && !held;
      if (event.key === "Escape" && held) return let_go();
      if (!(way || page) || !axes().xaxis) return;
      event.preventDefault();
      if (page) turn(event.key === "PageUp");
      else if (!held && !this.wants.clicks) aim(way);
      else at = at.map((share, i) => Math.min(1, Math.max(0, share + way[i] * (event.shiftKey ? 0.1 : 0.01))));
      if (held) this.carry(held, ...pixels());
      this.said.textContent = place();
    };
  }

  close() {
    this.pause();
    for (const [kind, heard] of [["pointerup", this.up], ["pointermove", this.moves], ["pointercancel", this.cancel]]) window.removeEventListener(kind, heard, true);
    window.removeEventListener("resize", this.resized);
    this.dusk.onchange = null;
    window.removeEventListener("beforeprint", this.beforePaper);
    PAPER.removeEventListener("change", this.onPaper);
    window.removeEventListener("afterprint", this.afterPaper);
    this.sizes.disconnect();
    if (this.library) this.library.purge(this.plot);
  }
}

// The chart that stood here while the app started comes into its place as it is.
function standing(root) {
  const first = document.getElementById("lab-first");
  if (!first || first.contains(root)) return root;
  const early = first.querySelector(".lab-chart");
  first.remove();
  if (!early?.lab) return root;
  root.replaceWith(early);
  return early;
}

export default function (component) {
  const root = standing(component.parentElement.querySelector(".lab-chart"));
  const chart = (root.lab ??= new Chart(root));
  chart.last = component.data;
  chart.update(component.data, component);
  return () => setTimeout(() => !root.isConnected && (chart.close(), delete root.lab));
}
