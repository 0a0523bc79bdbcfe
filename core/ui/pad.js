// A paper of side × side pixels. A stroke leaves ink, one that begins on black takes it away; the arrow keys move a frame,
// Enter or the space bar draws in it. Python is told after every stroke, and holds what is drawn.

const SIZE = 320; // dots of the canvas
const BESIDE = 0.375; // of the ink of a stroke on the pixels beside it
const PAPER = [253, 252, 249];
const BLACK = [21, 24, 29]; // both as in figures, in either theme

class Pad {
  constructor(root) {
    this.canvas = Object.assign(document.createElement("canvas"), { width: SIZE, height: SIZE, tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.said = Object.assign(document.createElement("output"), { className: "lab-pad-said" });
    this.hint = document.createElement("p");
    this.clear = Object.assign(document.createElement("button"), { type: "button" });
    root.replaceChildren(this.canvas, this.said, this.hint, this.clear);
    this.at = [0, 0]; // row and column of the frame
    this.canvas.onpointerdown = (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.last = this.place(event);
      this.begin(...this.last);
    };
    this.canvas.onpointermove = (event) => this.last && this.stroke(this.place(event));
    this.canvas.onpointerup = this.canvas.onpointercancel = () => this.last && ((this.last = null), this.send());
    this.canvas.onkeydown = (event) => this.key(event);
    this.canvas.onfocus = this.canvas.onblur = () => this.paint();
    this.clear.onclick = () => (this.pixels.fill(0), this.send());
  }

  update(data, component) {
    this.component = component;
    const pixels = JSON.stringify(data.pixels);
    if (this.sent === pixels) this.sent = null;
    if (!this.last && !this.sent) this.pixels = [...data.pixels]; // what was drawn since is newer than what Python says
    [this.side, this.ink] = [data.side, data.ink];
    this.canvas.setAttribute("aria-label", data.words.paper);
    this.hint.textContent = data.words.paper;
    this.clear.textContent = data.words.new_paper;
    this.paint();
  }

  send() {
    this.paint();
    this.sent = JSON.stringify(this.pixels);
    this.component.setTriggerValue("drawn", this.pixels);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const within = (part) => Math.min(Math.max(Math.floor(part * this.side), 0), this.side - 1);
    return [within((event.clientY - box.top) / box.height), within((event.clientX - box.left) / box.width)];
  }

  begin(row, column) {
    this.taking = this.pixels[row * this.side + column] === this.ink;
    this.mark(row, column);
    this.paint();
  }

  stroke([row, column]) {
    const [from, along] = [this.last, Math.max(Math.abs(row - this.last[0]), Math.abs(column - this.last[1]))];
    for (let i = 1; i <= along; i++) {
      this.mark(...[row, column].map((to, axis) => Math.round(from[axis] + ((to - from[axis]) * i) / along)));
    }
    this.last = [row, column];
    this.paint();
  }

  mark(row, column) {
    const put = (r, c, ink) => {
      if (r < 0 || c < 0 || r >= this.side || c >= this.side) return;
      const i = r * this.side + c;
      this.pixels[i] = this.taking ? 0 : Math.max(this.pixels[i], Math.round(ink));
    };
    put(row, column, this.ink);
    if (!this.taking) for (const [down, across] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) put(row + down, column + across, BESIDE * this.ink);
  }

  key(event) {
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!way && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    if (way) {
      this.at = this.at.map((place, axis) => Math.min(Math.max(place + way[axis], 0), this.side - 1));
      this.paint();
    } else {
      this.begin(...this.at);
      this.send();
    }
    const [row, column] = this.at;
    this.said.textContent = `${row + 1}, ${column + 1}: ${Math.round((100 * this.pixels[row * this.side + column]) / this.ink)} %`;
  }

  paint() {
    const [drawing, wide] = [this.canvas.getContext("2d"), SIZE / this.side];
    this.pixels.forEach((ink, i) => {
      const share = ink / this.ink;
      drawing.fillStyle = `rgb(${PAPER.map((paper, k) => Math.round(paper + share * (BLACK[k] - paper))).join(",")})`;
      drawing.fillRect((i % this.side) * wide, Math.floor(i / this.side) * wide, wide, wide);
    });
    if (document.activeElement !== this.canvas) return;
    Object.assign(drawing, { strokeStyle: "#1f77b4", lineWidth: 3 });
    drawing.strokeRect(this.at[1] * wide + 1.5, this.at[0] * wide + 1.5, wide - 3, wide - 3);
  }
}

const pads = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".lab-pad");
  if (!pads.has(root)) pads.set(root, new Pad(root));
  pads.get(root).update(component.data, component);
}
