// An address that ends so only completes the one that stands there: it takes its place, and Back is one step.
{
  const ending = "&completes=";
  const push = history.pushState;
  history.pushState = function (state, title, url) {
    const completes = String(url).endsWith(ending);
    completes ? this.replaceState(state, title, String(url).slice(0, -ending.length)) : push.call(this, state, title, url);
  };
}
