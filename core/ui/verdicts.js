// The table of claims. A plain click opens a claim in this session; with a key held, or the middle button, the link is
// an ordinary one.
export default function (component) {
  const root = component.parentElement.querySelector(".lab-claims");
  if (root.made !== component.data.html) {
    root.made = component.data.html;
    root.innerHTML = component.data.html;
  }
  root.onclick = (event) => {
    const link = event.target.closest("a[data-open]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    component.setTriggerValue("open", link.dataset.open);
  };
}
