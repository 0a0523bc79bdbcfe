// An editor of rows: the first two fields beside each other, the others folded behind a button. Python holds the
// truth: every change is sent there as text and comes back as new rows.

const icon = { more: "M3 6h10M17 6h4M3 12h4M11 12h10M3 18h12M19 18h2M15 4v4M9 10v4M17 16v4", remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13" };

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) value === false || made.setAttribute(key, value === true ? "" : value);
  made.append(...children);
  return made;
}

function drawing(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(Object.assign(document.createElementNS(svg.namespaceURI, "path")));
  svg.firstChild.setAttribute("d", path);
  return svg;
}

class Rows {
  constructor(root) {
    this.root = root;
    this.open = new Set(); // rows whose further fields are shown
  }

  update(data, component) {
    const state = JSON.stringify(data);
    this.component = component;
    if (state === this.state) return;
    this.state = state;
    this.data = data;
    const focused = this.root.contains(document.activeElement) && document.activeElement.dataset.name;
    this.open = new Set([...this.open].filter((i) => i < data.rows.length));
    const lists = Object.entries(data.fields).filter(([, field]) => field.suggestions);
    this.root.replaceChildren(
      ...data.rows.map((row, i) => this.row(row, i)),
      ...lists.map(([name, field]) =>
        element("datalist", { id: `lab-${name}-values` }, ...field.suggestions.map((value) => element("option", { value })))),
      ...(data.words.add ? [this.button("lab-add", data.words.add, () => this.send({ add: true }), data.rows.length >= data.high, "+ ")] : []),
    );
    if (focused) (this.root.querySelector(`[data-name="${focused}"]`) ?? this.root.querySelector("select, input"))?.focus();
  }

  send(change) {
    this.component.setTriggerValue("change", change);
  }

  button(name, label, act, disabled = false, before = "") {
    const made = element("button", { type: "button", class: name, disabled, "data-name": name }, before, label);
    made.onclick = act;
    return made;
  }

  row(row, i) {
    const [first, ...rest] = Object.keys(row.values);
    const beside = rest.filter((name) => name === this.data.beside);
    const others = rest.filter((name) => name !== this.data.beside);
    const title = this.data.fields[first].options?.find(([value]) => value === row.values[first])[1] ?? Object.values(row.values).join(", ");
    const line = element("div", { class: "lab-row", role: "group", "aria-label": `${i + 1}. ${title}` });
    line.style.setProperty("--mark", `light-dark(${row.colours.join(",")})`);
    const more = element("button", { type: "button", class: "lab-more", "data-name": `${i}-more`, "aria-expanded": this.open.has(i),
      "aria-label": `${this.data.words.more} ${title}`, title: `${this.data.words.more} ${title}` }, drawing(icon.more));
    const fold = element("div", { class: "lab-fold", hidden: !this.open.has(i) });
    more.onclick = () => {
      this.open.has(i) ? this.open.delete(i) : this.open.add(i);
      more.setAttribute("aria-expanded", this.open.has(i));
      fold.hidden = !this.open.has(i);
    };
    for (const name of others) {
      const { label, hint } = this.data.fields[name];
      fold.append(element("label", { title: hint }, element("span", {}, label), this.input(row, i, name)));
    }
    const remove = this.button("lab-remove", this.data.words.remove, () => {
      this.open = new Set([...this.open].filter((k) => k !== i).map((k) => (k > i ? k - 1 : k)));
      this.send({ remove: i });
    }, this.data.rows.length <= this.data.low);
    remove.prepend(drawing(icon.remove));
    fold.append(remove);
    line.append(this.input(row, i, first, true), ...beside.map((name) => this.input(row, i, name, true)), more);
    return element("div", {}, line, fold);
  }

  input(row, i, name, bare = false) {
    const field = this.data.fields[name];
    const value = row.values[name];
    const shared = { "data-name": `${i}-${name}`, title: field.hint || false, "aria-label": bare ? `${field.label} ${i + 1}` : false };
    let sent = value;
    const send = (text) => text !== sent && this.send({ row: i, field: name, value: (sent = text) });
    if (field.options) {
      const made = element("select", shared, ...field.options.map(([id, label]) => element("option", { value: id, selected: id === value }, label)));
      made.onchange = () => send(made.value);
      return made;
    }
    if (field.flag) {
      const made = element("input", { ...shared, type: "checkbox", checked: value === "1" });
      made.onchange = () => send(made.checked ? "1" : "0");
      return made;
    }
    const made = element("input", { ...shared, value, inputmode: "decimal", autocomplete: "off", spellcheck: "false",
      list: field.suggestions ? `lab-${name}-values` : false });
    // The list of a filled input offers what it holds already: it is emptied while it is chosen from.
    if (field.suggestions) made.onmousedown = () => { if (document.activeElement !== made) (made.placeholder = made.value), (made.value = ""); };
    made.onblur = () => (made.value ? send(made.value.trim()) : (made.value = value)); // arrows are no change to a browser
    made.onchange = () => made.value && send(made.value.trim());
    made.onkeydown = (event) => {
      if (event.isComposing || event.keyCode === 229) return; // a key of an input method
      if (event.key === "Enter" && made.value) send(made.value.trim());
      const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (way && !field.suggestions) {
        event.preventDefault();
        const now = Number((made.value || value).replace(",", "."));
        const next = Math.min(field.high, Math.max(field.low, (isNaN(now) ? +value : now) + way * field.step));
        made.value = String(+next.toPrecision(6));
      }
    };
    return made;
  }
}

const editors = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".lab-rows");
  if (!editors.has(root)) editors.set(root, new Rows(root));
  editors.get(root).update(component.data, component);
}
