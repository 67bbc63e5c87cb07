// jax-js on its WebGPU device: each computation is one jitted function.
// A function consumes its arguments, by the library's convention; `.ref` keeps an array for another use.

import { blockUntilReady, defaultDevice, grad, init, jit, lax, nn, numpy as np, tree, valueAndGrad, vjp } from "@jax-js/jax";

const BLOCKS = ["head", "body.block1", "body.block2", "body.block3"];
const LEAKY_SLOPE = 0.2;

/** Results computed at a time. */
const IN_FLIGHT = 16;

const upload = ({ shape, data }) => np.array(data).reshape([...shape]);
const convolve = (x, w) => lax.conv(x, w, [1, 1], "VALID");

/** Repeats one computation of `values`; `leaves` returns the arrays of its result in order. */
function subject(compute, values, leaves) {
  let last = null;
  return {
    // jax-js never computes a result that is disposed before it is waited for, so all are kept until then.
    async run(count) {
      for (let left = count; left > 0; left -= IN_FLIGHT) {
        const results = Array.from({ length: Math.min(left, IN_FLIGHT) }, () => compute(...tree.ref(values)));
        await blockUntilReady(results);
        if (last) tree.dispose(last);
        last = results.pop();
        tree.dispose(results);
      }
    },
    read: () => Promise.all(leaves(last).map((array) => array.ref.data())),
    dispose() {
      tree.dispose(values);
      if (last) tree.dispose(last);
      compute.dispose();
    },
  };
}

function weightGradient(x, w, g) {
  const [y, back] = vjp((weights) => convolve(x, weights), [w]);
  y.dispose(); // never computed under jit
  return back(g)[0];
}

function conv(direction, values) {
  const [x, w, g] = [values.x, values.w, values.g].map(upload);
  const all = {
    conv2d: [convolve, [x, w]],
    conv2dInput: [
      (gradient, weights) => lax.convTranspose(gradient, weights, [1, 1], "VALID", { transposeKernel: true }),
      [g, w],
    ],
    conv2dWeight: [weightGradient, [x, w, g]],
  };
  const [compute, used] = all[direction];
  for (const array of [x, w, g]) if (!used.includes(array)) array.dispose();
  return subject(jit(compute), used, (result) => [result]);
}

/** Scores of x; batch norm in train mode. */
function critic(d, x) {
  const perChannel = (name) => d[name].reshape([1, -1, 1, 1]);
  const features = BLOCKS.reduce((t, block) => {
    const normalized = nn.standardize(convolve(t, d[`${block}.conv.weight`]), [0, 2, 3]);
    return nn.leakyRelu(normalized.mul(perChannel(`${block}.norm.weight`)).add(perChannel(`${block}.norm.bias`)), LEAKY_SLOPE);
  }, x);
  return convolve(features, d["tail.weight"]).add(perChannel("tail.bias"));
}

/** −mean D(real) + mean D(fake) + λ · mean over pixels of (√(Σ over channels of g²) − 1)², g the gradient at a·real + (1−a)·fake. */
const criticLoss = (lambda) => (d, real, fake, alpha) => {
  const [byReal, byFake] = [real, fake].map((x) => critic(tree.ref(d), x.ref).mean());
  const between = real.mul(alpha.ref).add(fake.mul(np.subtract(1, alpha)));
  const gradient = grad((x) => critic(d, x).sum())(between);
  const excess = np.sqrt(np.square(gradient).sum(1)).sub(1);
  return byFake.sub(byReal).add(np.square(excess).mean().mul(lambda));
};

function dStep({ weights, real, fake, alpha, lambda }) {
  const names = [...weights.keys()];
  const d = Object.fromEntries(names.map((name) => [name, upload(weights.get(name))]));
  const step = jit(valueAndGrad(criticLoss(lambda)));
  return subject(step, [d, upload(real), upload(fake), upload(alpha)], ([loss, gradients]) => [
    loss,
    ...names.map((name) => gradients[name]),
  ]);
}

/** Throws where there is no WebGPU. */
export async function openJax() {
  if (!(await init("webgpu")).includes("webgpu")) throw new Error("jax-js did not start its WebGPU device");
  defaultDevice("webgpu");
  return { name: "jax-js", package: "@jax-js/jax", conv, dStep };
}
