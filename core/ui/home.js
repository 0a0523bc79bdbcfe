// The concept map: pictures in the page's theme, a search that answers while one types, and links that the app follows
// without loading anew.

class Map {
  constructor(root) {
    this.root = root;
    root.addEventListener("input", () => this.find());
    root.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === 229) return; // this Enter ends a word of an input method (229: as Safari says it)
      const first = event.key === "Enter" && event.target.matches("input") && this.find();
      if (first) this.open(first);
    });
    root.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-open]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.open(link);
    });
    this.dusk = matchMedia("(prefers-color-scheme: dark)");
    this.dusk.onchange = () => setTimeout(() => this.pictures(), 100);
  }

  update(data, component) {
    this.component = component;
    if (data.html !== this.html) {
      const sought = this.root.querySelector("input")?.value || "";
      this.html = data.html;
      this.words = data.words;
      this.root.innerHTML = data.html;
      this.root.querySelector("input").value = sought;
      this.find();
    }
    this.pictures();
    document.getElementById("lab-first")?.remove(); // what stood here while the app started
  }

  open(link) {
    this.component.setTriggerValue("open", link.dataset.open);
  }

  pictures() {
    const [r, g, b] = getComputedStyle(this.root).color.match(/[\d.]+/g).map(Number);
    const theme = r + g + b > 384 ? "dark" : "light";
    for (const image of this.root.querySelectorAll("img")) {
      const source = new URL(`app/static/thumbnails/${image.dataset.picture}.${theme}.webp`, document.baseURI).href;
      if (image.src !== source) image.src = source;
    }
  }

  // Shows the cards that have every word sought, in their title, their sentence, their presets, mistakes or claims; gives the first link.
  find() {
    const sought = this.root.querySelector("input").value.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
    const has = (element) => sought.every((word) => element.dataset.find.includes(word));
    const cards = [...this.root.querySelectorAll(".lab-card")];
    for (const card of cards) {
      const itself = has(card);
      let shown = 0;
      for (const part of card.querySelectorAll("li")) {
        part.hidden = !sought.length || itself || !has(part) || shown === 3;
        shown += !part.hidden;
      }
      card.hidden = !itself && !shown;
    }
    for (const section of this.root.querySelectorAll("section:not(.lab-history)"))
      section.hidden = [...section.querySelectorAll(".lab-card")].every((card) => card.hidden);
    const found = cards.filter((card) => !card.hidden);
    this.root.classList.toggle("lab-finding", sought.length > 0);
    this.root.querySelector(".lab-found").textContent = !sought.length ? ""
      : found.length ? this.words.found.replace("{count}", found.length).replace("{all}", cards.length) : this.words.found_none;
    return sought.length ? found.map((card) => card.querySelector("a")).find(Boolean) : null;
  }

  close() {
    this.dusk.onchange = null;
  }
}

const maps = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".lab-map");
  if (!maps.has(root)) maps.set(root, new Map(root));
  maps.get(root).update(component.data, component);
  return () => setTimeout(() => !root.isConnected && (maps.get(root)?.close(), maps.delete(root)));
}
