// A table of claims or mistakes: what the server made, put in its place when it is another.
export default function (component) {
  const root = component.parentElement.querySelector(".lab-claims");
  if (root.made !== component.data.html) root.innerHTML = root.made = component.data.html;
}
