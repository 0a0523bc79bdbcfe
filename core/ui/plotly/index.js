// plotly.js with the kinds of trace that the lab's figures use: scatter is part of its core.
const Plotly = require("plotly.js/lib/core");
Plotly.register([
  require("plotly.js/lib/bar"),
  require("plotly.js/lib/box"),
  require("plotly.js/lib/contour"),
  require("plotly.js/lib/heatmap"),
  require("plotly.js/lib/histogram"),
]);
module.exports = Plotly;
