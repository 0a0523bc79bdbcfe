// An address that ends in `completes=<page>` is what the app makes of the one that stands there, and no step of the
// reader: it takes that one's place, so that Back is one step. Streamlit itself makes a step of every address.
for (const name of ["pushState", "replaceState"]) {
  const original = history[name];
  history[name] = function (state, title, url) {
    const [, address, page] = String(url).match(/^(.*)&completes=([^&]*)$/) ?? [];
    if (page === undefined) return original.call(this, state, title, url);
    const path = new URL(address, location).pathname;
    if (path !== location.pathname) return original.call(this, state, title, address); // a step to another page
    if (path.endsWith(`/${page}`)) return this.replaceState(state, title, address);
    // Else that step is still to come, with this very address.
  };
}
