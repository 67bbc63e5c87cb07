// The WGAN gradient penalty of a critic with batch norm, and its weight gradients in closed form, by plain f64 loops.
// Three passes: backward, forward tangent along v = ∂GP/∂g, and reverse. Shares no code with the tape or the other references.

/** One picture, channel by channel. */
export interface Maps {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float64Array;
}

/** A block x ↦ LeakyReLU(γ·norm(x∗w) + β) with 3x3 weights [o,c,3,3]. */
export interface Block {
  readonly weight: Float64Array;
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
}

export interface PenaltyGradients {
  readonly penalty: number;
  /** g = ∂ΣD/∂x. */
  readonly inputGradient: Float64Array;
  readonly blocks: readonly Block[];
  readonly tail: Float64Array;
}

const SLOPE = 0.2;
const EPS = 1e-5;

const empty = (channels: number, height: number, width: number): Maps => ({
  channels,
  height,
  width,
  data: new Float64Array(channels * height * width),
});
const like = (m: Maps, f: (at: number, channel: number) => number): Maps => {
  const area = m.height * m.width;
  return { ...m, data: m.data.map((_, at) => f(at, Math.floor(at / area))) };
};

/** Visits the products x[c,i+u,j+v]·w[o,c,u,v] whose sum is the result (o,i,j). */
function products(x: Maps, out: Maps, visit: (atX: number, atW: number, atOut: number) => void): void {
  for (let o = 0; o < out.channels; o++)
    for (let c = 0; c < x.channels; c++)
      for (let i = 0; i < out.height; i++)
        for (let j = 0; j < out.width; j++)
          for (let tap = 0; tap < 9; tap++) {
            const [u, v] = [Math.floor(tap / 3), tap % 3];
            visit(
              c * x.height * x.width + (i + u) * x.width + (j + v),
              (o * x.channels + c) * 9 + tap,
              o * out.height * out.width + i * out.width + j,
            );
          }
}

function conv(x: Maps, w: Float64Array): Maps {
  const y = empty(w.length / (9 * x.channels), x.height - 2, x.width - 2);
  products(x, y, (atX, atW, at) => {
    y.data[at]! += x.data[atX]! * w[atW]!;
  });
  return y;
}

function convTransposed(a: Maps, w: Float64Array): Maps {
  const x = empty(w.length / (9 * a.channels), a.height + 2, a.width + 2);
  products(x, a, (atX, atW, at) => {
    x.data[atX]! += a.data[at]! * w[atW]!;
  });
  return x;
}

function correlate(x: Maps, a: Maps, into: Float64Array): void {
  products(x, a, (atX, atW, at) => {
    into[atW]! += x.data[atX]! * a.data[at]!;
  });
}

/** Σ a·b for each channel. */
function channelSums(a: Maps, b: Maps): Float64Array {
  const area = a.height * a.width;
  const sums = new Float64Array(a.channels);
  a.data.forEach((v, at) => {
    sums[Math.floor(at / area)]! += v * b.data[at]!;
  });
  return sums;
}
const channelMeans = (a: Maps, b: Maps): Float64Array => channelSums(a, b).map((s) => s / (a.height * a.width));
const onesLike = (m: Maps): Maps => like(m, () => 1);

/** Values of a block that later passes need: input x, x̂n, σ, and the LeakyReLU factors m. */
interface Forward {
  readonly x: Maps;
  readonly xHat: Maps;
  readonly sigma: Float64Array;
  readonly mask: Maps;
}

function forward(x: Maps, { weight, gamma, beta }: Block): { kept: Forward; out: Maps } {
  const u = conv(x, weight);
  const mu = channelMeans(u, onesLike(u));
  const centred = like(u, (at, c) => u.data[at]! - mu[c]!);
  const sigma = channelMeans(centred, centred).map((variance) => Math.sqrt(variance + EPS));
  const xHat = like(centred, (at, c) => centred.data[at]! / sigma[c]!);
  const y = like(xHat, (at, c) => gamma[c]! * xHat.data[at]! + beta[c]!);
  const mask = like(y, (at) => (y.data[at]! > 0 ? 1 : SLOPE));
  return { kept: { x, xHat, sigma, mask }, out: like(y, (at) => mask.data[at]! * y.data[at]!) };
}

/** P[t] = (t − mean t − x̂n·mean(t·x̂n))/σ. */
function project(t: Maps, { xHat, sigma }: Forward): Maps {
  const [mean, parallel] = [channelMeans(t, onesLike(t)), channelMeans(t, xHat)];
  return like(t, (at, c) => (t.data[at]! - mean[c]! - xHat.data[at]! * parallel[c]!) / sigma[c]!);
}

/** λ·mean over pixels of (ν − 1)² for x̂ = `image`, ν the norm over channels of g = ∂ΣD/∂x̂, and ∂GP/∂θ for every θ of D. */
export function gradientPenaltyClosed(
  image: Maps,
  blocks: readonly Block[],
  tail: Float64Array,
  lambda: number,
): PenaltyGradients {
  const kept: Forward[] = [];
  let top = image;
  for (const block of blocks) {
    const { kept: here, out } = forward(top, block);
    kept.push(here);
    top = out;
  }

  // First backward: a is the cotangent of ΣD.
  const scores = onesLike(empty(tail.length / (9 * top.channels), top.height - 2, top.width - 2));
  const backward: { ofY: Maps; ofU: Maps }[] = [];
  let a = convTransposed(scores, tail);
  for (let l = blocks.length - 1; l >= 0; l--) {
    const [{ mask }, { gamma, weight }] = [kept[l]!, blocks[l]!];
    const aOut = a;
    const ofY = like(aOut, (at) => mask.data[at]! * aOut.data[at]!);
    const ofU = project(
      like(ofY, (at, c) => gamma[c]! * ofY.data[at]!),
      kept[l]!,
    );
    backward[l] = { ofY, ofU };
    a = convTransposed(ofU, weight);
  }
  const g = a;

  // v = ∂GP/∂g, a constant from here on.
  const area = image.height * image.width;
  const norms = Float64Array.from({ length: area }, (_, p) =>
    Math.hypot(...Array.from({ length: image.channels }, (__, c) => g.data[c * area + p]!)),
  );
  const penalty = (lambda * norms.reduce((sum, norm) => sum + (norm - 1) ** 2, 0)) / area;
  const v = like(g, (at) => {
    const norm = norms[at % area]!;
    return norm === 0 ? 0 : (((lambda * 2 * (norm - 1)) / norm) * g.data[at]!) / area;
  });

  // Tangent forward along v.
  const tangents: { x: Maps; u: Maps; n: Maps }[] = [];
  let tangent = v;
  blocks.forEach(({ weight, gamma }, l) => {
    const u = conv(tangent, weight);
    const n = project(u, kept[l]!);
    tangents.push({ x: tangent, u, n });
    tangent = like(n, (at, c) => kept[l]!.mask.data[at]! * gamma[c]! * n.data[at]!);
  });

  // Reverse: b is the cotangent of the primal values. It is 0 at the tail, because ⟨v, g⟩ does not depend on its output.
  const ofTail = new Float64Array(tail.length);
  correlate(tangent, scores, ofTail);
  const gradients: Block[] = [];
  let b = like(top, () => 0);
  for (let l = blocks.length - 1; l >= 0; l--) {
    const [{ x, xHat, sigma, mask }, { weight, gamma }, { ofY, ofU }, dot] = [kept[l]!, blocks[l]!, backward[l]!, tangents[l]!];
    const count = xHat.height * xHat.width;
    const bOut = b;
    const bY = like(bOut, (at) => mask.data[at]! * bOut.data[at]!);
    const alpha = like(ofY, (at, c) => gamma[c]! * ofY.data[at]!);
    const [q, r] = [channelMeans(xHat, dot.u), channelMeans(alpha, xHat)];
    const [ofXHat, ofTangent] = [channelSums(bY, xHat), channelSums(ofY, dot.n)];
    const eta = like(bY, (at, c) => gamma[c]! * bY.data[at]! - (q[c]! * alpha.data[at]! + r[c]! * dot.u.data[at]!) / sigma[c]!);
    const kappa = channelSums(alpha, dot.n).map((s, c) => -s / sigma[c]!);
    const projected = project(eta, kept[l]!);
    const bU = like(projected, (at, c) => projected.data[at]! + (kappa[c]! * xHat.data[at]!) / count);
    const ofWeight = new Float64Array(weight.length);
    correlate(x, bU, ofWeight);
    correlate(dot.x, ofU, ofWeight);
    gradients[l] = { weight: ofWeight, gamma: ofXHat.map((s, c) => s + ofTangent[c]!), beta: channelSums(bY, onesLike(bY)) };
    b = convTransposed(bU, weight);
  }
  return { penalty, inputGradient: g.data, blocks: gradients, tail: ofTail };
}
