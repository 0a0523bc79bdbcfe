// An editor of a table: an input for every cell, and where rows may come and go, buttons for that. Python holds the truth:
// every change is sent there as text and comes back as a new table.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) value === false || made.setAttribute(key, value === true ? "" : value);
  made.append(...children);
  return made;
}

class Table {
  constructor(root) {
    this.root = root;
  }

  update(data, component) {
    this.component = component;
    const state = JSON.stringify(data);
    if (state === this.state) return;
    Object.assign(this, { state, data });
    const focused = this.root.contains(document.activeElement) && document.activeElement.dataset.name;
    const { columns, rows, words, low, high } = data;
    const grows = low < high;
    const head = columns.some(Boolean) && element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)), ...(grows ? [element("td")] : []));
    const table = element("table", { "aria-label": words.label, class: data.numbers ? "lab-numbers" : false }, ...(head ? [head] : []), ...rows.map((row, i) => this.row(row, i, grows)));
    const add = grows && rows.length < high ? [this.button("add", `+ ${words.add}`, words.add, () => this.send({ add: true }))] : [];
    this.root.replaceChildren(table, ...add);
    if (focused) (this.root.querySelector(`[data-name="${focused}"]`) ?? this.root.querySelector("input, button"))?.focus();
  }

  send(change) {
    this.component.setTriggerValue("change", change);
  }

  button(name, shown, label, act, disabled = false) {
    const made = element("button", { type: "button", "data-name": name, "aria-label": label, title: label, disabled }, shown);
    made.onclick = act;
    return made;
  }

  row(row, i, grows) {
    const cells = row.map((value, k) => element("td", {}, this.input(value, i, k)));
    if (grows) {
      const remove = this.button(`${i}-remove`, "×", `${this.data.words.remove} ${i + 1}`, () => this.send({ remove: i }), this.data.rows.length <= this.data.low);
      cells.push(element("td", {}, remove));
    }
    return element("tr", {}, ...cells);
  }

  input(value, i, k) {
    const { columns, words, longest, numbers } = this.data;
    const where = columns[k] ? `${columns[k]} ${i + 1}` : words.cell.replace("{row}", i + 1).replace("{column}", k + 1);
    const made = element("input", { value, "aria-label": where, "data-name": `${i}-${k}`, autocomplete: "off", spellcheck: "false",
      maxlength: longest ?? false, inputmode: numbers ? "decimal" : false });
    let sent = value;
    const send = () => {
      const text = numbers ? made.value.trim() : made.value;
      if (numbers && !text) made.value = value;
      else if (text !== sent) this.send({ row: i, column: k, value: (sent = text) });
    };
    made.onblur = send; // arrows are no change to a browser
    made.onkeydown = (event) => {
      if (event.isComposing || event.keyCode === 229) return; // a key of an input method
      if (event.key === "Enter") send();
      const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (!way || !numbers) return;
      event.preventDefault();
      const now = Number((made.value || value).replace(",", "."));
      made.value = String(+Math.min(numbers.high, Math.max(numbers.low, (isNaN(now) ? +value : now) + way * numbers.step)).toPrecision(6));
    };
    return made;
  }
}

const editors = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".lab-table");
  if (!editors.has(root)) editors.set(root, new Table(root));
  editors.get(root).update(component.data, component);
}
