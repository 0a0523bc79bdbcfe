// Puts Streamlit's own words into the language of the page, as they come and when the language changes.
// SAID: [[CSS of where they are said, {language: the words, "": what Streamlit says where that is in no language}], …]

const ATTRIBUTES = ["aria-label", "title", "placeholder"];
const ANY = SAID.map(([place]) => place).join();

// A form of words as it is recognised: what stands in braces is anything.
const pattern = (form) =>
  new RegExp(`^${form.split(/\{(\w+)\}/).map((part, i) => (i % 2 ? `(?<${part}>.+)` : part.replace(/[.*+?^$()[\]|\\]/g, "\\$&"))).join("")}$`, "s");
const KNOWN = SAID.map(([place, said]) => [place, said, Object.fromEntries(Object.entries(said).map(([of, form]) => [of, pattern(form)]))]);

let language = "";

// The same in the language of the page, or null where it is none of these words.
function translated(element, said) {
  for (const [place, forms, patterns] of KNOWN) {
    for (const of in forms) {
      if (of === language) continue;
      const found = said.match(patterns[of]);
      if (found && element.matches(place)) return forms[language].replace(/\{(\w+)\}/g, (_, name) => found.groups[name]);
    }
  }
  return null;
}

function mend(element) {
  for (const name of ATTRIBUTES) {
    const said = element.getAttribute(name);
    const other = said && translated(element, said);
    if (other) element.setAttribute(name, other);
  }
  for (const node of element.childNodes) {
    const said = node.nodeType === Node.TEXT_NODE && node.data.trim(); // blanks join it to the next piece
    const other = said && translated(element, said);
    if (other) node.data = node.data.replace(said, () => other);
  }
}

function mendAll(root) {
  if (root.matches(ANY)) mend(root);
  root.querySelectorAll(ANY).forEach(mend);
}

new MutationObserver((changes) => {
  const spoken = document.documentElement.lang.slice(0, 2);
  if (spoken !== language && SAID[0][1][spoken]) {
    language = spoken;
    mendAll(document.documentElement);
    return;
  }
  const [whole, alone] = [new Set(), new Set()];
  for (const { type, target, addedNodes } of changes) {
    const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
    if (!element?.isConnected || element.closest(".js-plotly-plot")) continue; // which has its own words, and changes often
    if (type !== "childList") alone.add(element);
    else for (const node of addedNodes) node.nodeType === Node.ELEMENT_NODE ? whole.add(node) : alone.add(element);
  }
  for (const element of alone) if (element.matches(ANY)) mend(element);
  whole.forEach(mendAll);
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: [...ATTRIBUTES, "lang"] });
