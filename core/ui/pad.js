// A paper for a grey picture, a curve, or points. What is on it is a list of numbers: levels row by row, heights from left
// to right, or x, y of every point. Python is told after every stroke, and holds what is drawn.

const SIZE = 320; // dots across the canvas
const BESIDE = 0.375; // of the ink of a stroke on the pixels beside it
const PAPER = [253, 252, 249], BLACK = [21, 24, 29], BLUE = "#1f77b4", AXIS = "#b9bcc2"; // as in figures, in either theme
const REACH = 14, MARK = 6; // dots: how near one must point to a point, and its radius
const WAYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const within = (value, low, high) => Math.min(Math.max(value, low), high);
const short = (value) => +value.toPrecision(3); // links are short

// A stroke leaves ink, one that begins on black takes it away.
class Ink {
  constructor({ height, width, ink }) {
    Object.assign(this, { height, width, ink, high: (SIZE * height) / width, at: [0, 0], wide: SIZE / width });
  }

  place({ x, y }) {
    return [within(Math.floor(x / this.wide), 0, this.width - 1), within(Math.floor(y / this.wide), 0, this.height - 1)];
  }

  begin(numbers, spot) {
    this.last = this.place(spot);
    this.press(numbers, this.last);
  }

  press(numbers, [column, row]) {
    this.taking = numbers[row * this.width + column] === this.ink;
    this.mark(numbers, column, row);
  }

  stroke(numbers, spot) {
    const to = this.place(spot), from = this.last;
    const along = Math.max(...to.map((end, axis) => Math.abs(end - from[axis])));
    for (let i = 1; i <= along; i++) this.mark(numbers, ...to.map((end, axis) => Math.round(from[axis] + ((end - from[axis]) * i) / along)));
    this.last = to;
  }

  mark(numbers, column, row) {
    const put = (c, r, ink) => {
      if (r < 0 || c < 0 || r >= this.height || c >= this.width) return;
      const i = r * this.width + c;
      numbers[i] = this.taking ? 0 : Math.max(numbers[i], Math.round(ink));
    };
    put(column, row, this.ink);
    if (!this.taking) for (const [across, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) put(column + across, row + down, BESIDE * this.ink);
  }

  key(numbers, key) {
    if (key === "Enter" || key === " ") return this.press(numbers, this.at), true;
    this.at = [within(this.at[0] + WAYS[key][0], 0, this.width - 1), within(this.at[1] + WAYS[key][1], 0, this.height - 1)];
  }

  said(numbers) {
    const [column, row] = this.at;
    return `${row + 1}, ${column + 1}: ${Math.round((100 * numbers[row * this.width + column]) / this.ink)} %`;
  }

  paint(pen, numbers, focused) {
    numbers.forEach((ink, i) => {
      const share = ink / this.ink;
      pen.fillStyle = `rgb(${PAPER.map((paper, k) => Math.round(paper + share * (BLACK[k] - paper))).join(",")})`;
      pen.fillRect((i % this.width) * this.wide, Math.floor(i / this.width) * this.wide, this.wide, this.wide);
    });
    if (focused) pen.strokeRect(this.at[0] * this.wide + 1.5, this.at[1] * this.wide + 1.5, this.wide - 3, this.wide - 3);
  }
}

// Heights at equidistant places: a stroke sets those it passes.
class Curve {
  constructor({ low, high, numbers }) {
    Object.assign(this, { bottom: low, top: high, high: SIZE / 2, n: numbers.length, at: 0 });
    this.step = SIZE / this.n;
  }

  y(height) {
    return ((this.top - height) / (this.top - this.bottom)) * this.high;
  }

  place({ x, y }) {
    const height = this.top - (within(y, 0, this.high) / this.high) * (this.top - this.bottom);
    return [within(Math.floor(x / this.step), 0, this.n - 1), within(height, this.bottom, this.top)];
  }

  begin(numbers, spot) {
    this.last = this.place(spot);
    numbers[this.last[0]] = short(this.last[1]);
  }

  stroke(numbers, spot) {
    const [to, height] = this.place(spot), [from, before] = this.last;
    const along = Math.max(1, Math.abs(to - from));
    for (let i = 1; i <= along; i++) numbers[Math.round(from + ((to - from) * i) / along)] = short(before + ((height - before) * i) / along);
    this.last = [to, height];
  }

  key(numbers, key) {
    if (!WAYS[key]) return;
    const [across, down] = WAYS[key];
    this.at = within(this.at + across, 0, this.n - 1);
    if (!down) return;
    numbers[this.at] = short(within(numbers[this.at] - (down * (this.top - this.bottom)) / 20, this.bottom, this.top));
    return true;
  }

  said(numbers) {
    return `${this.at + 1}: ${numbers[this.at]}`;
  }

  paint(pen, numbers, focused) {
    pen.fillStyle = AXIS;
    pen.fillRect(0, within(this.y(0), 0, this.high - 1), SIZE, 1);
    if (focused) pen.fillRect(this.at * this.step, 0, this.step, this.high);
    pen.beginPath();
    numbers.forEach((height, i) => pen.lineTo((i + 0.5) * this.step, this.y(height)));
    pen.stroke();
  }
}

// Points: a press puts one or takes hold of one, which a drag moves, and off the paper takes away. With keys it is held
// until the next Enter.
class Points {
  constructor({ low, high, fewest, most }) {
    Object.assign(this, { bottom: low, top: high, fewest, most, high: SIZE, at: { x: SIZE / 2, y: SIZE / 2 }, held: -1 });
  }

  dots(numbers, i) {
    const share = (value) => ((value - this.bottom) / (this.top - this.bottom)) * SIZE;
    return { x: share(numbers[2 * i]), y: SIZE - share(numbers[2 * i + 1]) };
  }

  near(numbers, { x, y }) {
    const far = Array.from({ length: numbers.length / 2 }, (_, i) => Math.hypot(x - this.dots(numbers, i).x, y - this.dots(numbers, i).y));
    const least = Math.min(...far);
    return least <= REACH ? far.indexOf(least) : -1;
  }

  put(numbers, i, { x, y }) {
    const value = (share) => short(this.bottom + within(share, 0, 1) * (this.top - this.bottom));
    [numbers[2 * i], numbers[2 * i + 1]] = [value(x / SIZE), value(1 - y / SIZE)];
  }

  begin(numbers, spot) {
    this.held = this.near(numbers, spot);
    if (this.held >= 0 || numbers.length / 2 >= this.most) return;
    this.put(numbers, (this.held = numbers.length / 2), spot);
  }

  stroke(numbers, spot) {
    if (this.held < 0) return;
    this.put(numbers, this.held, spot);
    this.off = Math.max(-spot.x, -spot.y, spot.x - SIZE, spot.y - SIZE) > 2 * REACH;
  }

  end(numbers) {
    if (this.off) this.drop(numbers, this.held);
    Object.assign(this, { held: -1, off: false });
  }

  drop(numbers, i) {
    if (i >= 0 && numbers.length / 2 > this.fewest) numbers.splice(2 * i, 2);
  }

  key(numbers, key, far) {
    if (WAYS[key]) {
      const step = (far ? 5 : 1) * (SIZE / 40);
      this.at = { x: within(this.at.x + step * WAYS[key][0], 0, SIZE), y: within(this.at.y + step * WAYS[key][1], 0, SIZE) };
      if (this.held >= 0) this.put(numbers, this.held, this.at);
      return;
    }
    if (key === "PageDown" || key === "PageUp") {
      const count = numbers.length / 2, now = this.near(numbers, this.at);
      if (this.held < 0 && count) this.at = this.dots(numbers, (now + (key === "PageDown" ? 1 : count - 1) + (now < 0 && key === "PageUp")) % count);
      return;
    }
    if (key === "Delete" || key === "Backspace") this.drop(numbers, this.near(numbers, this.at)), (this.held = -1);
    else if (this.held >= 0) this.held = -1;
    else {
      this.begin(numbers, this.at);
      if (this.held >= 0) this.at = this.dots(numbers, this.held);
      return;
    }
    return true;
  }

  said(numbers) {
    const i = this.held < 0 ? this.near(numbers, this.at) : this.held;
    const there = [0, 0];
    this.put(there, 0, this.at);
    return i < 0 ? there.join(", ") : `${i + 1}: ${numbers[2 * i]}, ${numbers[2 * i + 1]}`;
  }

  paint(pen, numbers, focused) {
    pen.fillStyle = AXIS;
    pen.fillRect(SIZE / 2, 0, 1, SIZE);
    pen.fillRect(0, SIZE / 2, SIZE, 1);
    for (let i = 0; i < numbers.length / 2; i++) {
      const { x, y } = this.dots(numbers, i);
      pen.fillStyle = i === this.held && this.off ? AXIS : BLUE;
      pen.beginPath();
      pen.arc(x, y, i === this.held ? 1.4 * MARK : MARK, 0, 7);
      pen.fill();
    }
    if (focused) pen.strokeRect(this.at.x - REACH, this.at.y - REACH, 2 * REACH, 2 * REACH);
  }
}

const LOOKS = { ink: Ink, curve: Curve, points: Points };
const KEYS = new Set([...Object.keys(WAYS), "Enter", " "]);
const MORE = { points: new Set(["Delete", "Backspace", "PageUp", "PageDown"]) };

class Pad {
  constructor(root) {
    this.canvas = Object.assign(document.createElement("canvas"), { width: SIZE, tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.said = Object.assign(document.createElement("output"), { className: "lab-pad-said" });
    this.hint = document.createElement("p");
    this.clear = Object.assign(document.createElement("button"), { type: "button" });
    root.replaceChildren(this.canvas, this.said, this.hint, this.clear);
    this.canvas.onpointerdown = (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.drawing = true;
      this.look.begin(this.numbers, this.spot(event));
      this.paint();
    };
    this.canvas.onpointermove = (event) => this.drawing && (this.look.stroke(this.numbers, this.spot(event)), this.paint());
    this.canvas.onpointerup = this.canvas.onpointercancel = () => {
      if (!this.drawing) return;
      this.drawing = false;
      this.look.end?.(this.numbers);
      this.send();
    };
    this.canvas.onkeydown = (event) => this.key(event);
    this.canvas.onfocus = () => this.paint();
    this.canvas.onblur = () => (this.holds ? ((this.look.held = -1), this.send()) : this.paint());
    this.clear.onclick = () => ((this.numbers = [...this.blank]), this.send());
  }

  get holds() {
    return this.look.held >= 0; // a point, with keys or a finger
  }

  update(data, component) {
    this.component = component;
    const told = JSON.stringify(data.numbers);
    if (this.sent === told || data.version !== this.version) this.sent = null;
    this.version = data.version;
    const bounds = JSON.stringify([data.look, data.height, data.width, data.ink, data.low, data.high, data.fewest, data.most]);
    if (bounds !== this.bounds) [this.bounds, this.look] = [bounds, new LOOKS[data.look](data)];
    if (!this.drawing && !this.sent && !this.holds) this.numbers = [...data.numbers]; // what was drawn since is newer than what Python says
    this.blank = data.blank;
    this.keys = MORE[data.look];
    if (this.canvas.height !== Math.round(this.look.high)) this.canvas.height = Math.round(this.look.high);
    this.canvas.setAttribute("aria-label", `${data.words.label}. ${data.words.paper}`);
    this.hint.textContent = data.words.paper;
    this.clear.textContent = data.words.new;
    this.paint();
  }

  send() {
    this.paint();
    this.sent = JSON.stringify(this.numbers);
    this.component.setTriggerValue("drawn", this.numbers);
  }

  spot(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * SIZE, y: ((event.clientY - box.top) / box.height) * this.look.high };
  }

  key(event) {
    if ((!KEYS.has(event.key) && !this.keys?.has(event.key)) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.look.key(this.numbers, event.key, event.shiftKey) ? this.send() : this.paint();
    this.said.textContent = this.look.said(this.numbers);
  }

  paint() {
    const pen = this.canvas.getContext("2d");
    pen.fillStyle = `rgb(${PAPER})`;
    pen.fillRect(0, 0, SIZE, this.canvas.height);
    Object.assign(pen, { strokeStyle: BLUE, lineWidth: 3 });
    this.look.paint(pen, this.numbers, document.activeElement === this.canvas);
  }
}

const pads = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".lab-pad");
  if (!pads.has(root)) pads.set(root, new Pad(root));
  pads.get(root).update(component.data, component);
}
