// Trains with ConvNetJS what convnet.py asks for: one JSON object per line in, one JSON value per line out.
const convnetjs = require(process.env.CONVNETJS + "/node_modules/convnetjs");
const prepared = [];

function network(work, row) {
  const { kind, sizes } = work, activation = kind === "points" ? "tanh" : "relu";
  const layers = [];
  if (kind === "images") {
    layers.push({ type: "input", out_sx: 8, out_sy: 8, out_depth: 1 });
    for (const filters of [8, 16]) {
      layers.push({ type: "conv", sx: 3, filters, stride: 1, pad: 1, activation });
      layers.push({ type: "pool", sx: 2, stride: 2 });
    }
    layers.push({ type: "softmax", num_classes: 10 });
  } else {
    layers.push({ type: "input", out_sx: 1, out_sy: 1, out_depth: sizes[0] });
    for (const num_neurons of sizes.slice(1, -1)) layers.push({ type: "fc", num_neurons, activation });
    const last = sizes[sizes.length - 1];
    layers.push(kind === "points" ? { type: "regression", num_neurons: last } : { type: "softmax", num_classes: last });
  }
  const net = new convnetjs.Net();
  net.makeLayers(layers);
  let at = 0;
  for (const layer of net.layers) {
    if (!layer.filters) continue;
    // torch has channel, row, column; here the channel comes last
    const conv = layer.layer_type === "conv";
    const depth = conv ? layer.in_depth : kind === "images" ? 16 : layer.num_inputs;
    const places = (conv ? layer.sx * layer.sy * layer.in_depth : layer.num_inputs) / depth;
    for (const filter of layer.filters)
      for (let d = 0; d < depth; d++)
        for (let place = 0; place < places; place++) filter.w[place * depth + d] = row[at++];
    for (let o = 0; o < layer.filters.length; o++) layer.biases.w[o] = row[at++];
  }
  if (at !== row.length) throw new Error(`${row.length} weights given, ${at} used`);
  return net;
}

function options(c, batch_size, kind) {
  const method = { momentum: "sgd", rmsprop: "windowgrad" }[c.rule] || c.rule;
  const momentum = c.rule === "sgd" ? 0 : c.momentum;
  const ro = c.rule === "rmsprop" ? c.alpha : c.rho;
  const eps = { adagrad: 1e-10, adadelta: 1e-6 }[c.rule] || c.eps;
  const learning_rate = kind === "points" && method === "sgd" ? 2 * c.lr : c.lr; // half the squared error
  return { method, learning_rate, momentum, ro, eps, batch_size, l2_decay: 0 };
}

function train(work) {
  const histories = [];
  for (const c of work.contenders)
    work.weights.forEach((row, seed) => {
      const net = network(work, row), trainer = new convnetjs.Trainer(net, options(c, work.batch, work.kind)), history = [];
      const measure = () => {
        let sum = 0;
        for (let i = 0; i < work.x.length; i++) {
          const out = net.forward(work.x[i]).w, y = work.y[i];
          sum += work.kind === "points" ? (out[0] - y[0]) ** 2 : -Math.log(out[y]);
        }
        history.push(sum / work.x.length);
      };
      measure();
      for (const order of work.orders[seed]) {
        for (const i of order) trainer.train(work.x[i], work.y[i]);
        measure();
      }
      histories.push(history);
    });
  return histories;
}

const does = {
  seconds: () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; },
  prepare: (work) => {
    work.x = work.x.map((numbers) => {
      const vol = work.kind === "images" ? new convnetjs.Vol(8, 8, 1, 0) : new convnetjs.Vol(1, 1, numbers.length, 0);
      numbers.forEach((value, i) => { vol.w[i] = value; });
      return vol;
    });
    if (work.kind === "points") work.y = work.y.map((value) => [value]);
    return prepared.push(work) - 1;
  },
  train: ({ prepared: index }) => train(prepared[index]),
};

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = JSON.parse(line);
  process.stdout.write(JSON.stringify(does[asked.do](asked)) + "\n");
});
