"""Train the official SinGAN's settings on one photo in PyTorch and write samples, so that figures can be compared over many seeds.

    python3 bench/peers/official.py PHOTO OUT [--seed 1] [--max-size 64] [--iterations 500] [--channels 32] [--samples 20] [--record FILE]

Needs PyTorch, NumPy and Pillow; runs on the CPU in one thread. Writes to OUT sample_00.png and so on, rec.png (the reconstruction), real.png
(the finest level trained on). --record writes the generators, and the noise and the pictures of all samples and the reconstruction, to a
.safetensors file: the case i_sampling of test/golden.

Written from the behaviour of tamarott/SinGAN, not from its text: fixed order of 3 D and 3 G steps, z* redrawn at scale 0, G steps that
backpropagate through one kept fake, running statistics, a resize that rounds down to 8 bits, learning rate a tenth after 0.8 of the iterations.
"""

import argparse
import json
import math
import os
import struct

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image
from pytorch import PAD, Adam, Net

MIN_SIZE, FACTOR, GP_WEIGHT, REC_WEIGHT, STEPS = 25, 0.75, 0.1, 10, 3
BLOCKS = ("head", "body.block1", "body.block2", "body.block3")
pad = nn.ZeroPad2d(PAD)


def cubic(t):
    """Keys' kernel, a = -0.5."""
    t = np.abs(t)
    return np.where(t <= 1, 1.5 * t**3 - 2.5 * t**2 + 1, np.where(t <= 2, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2, 0))


def resize_matrix(size, factor, out):
    """[out, size] weights of the official imresize along one axis: antialiased where it shrinks, mirrored at the far edge only."""
    stretch = max(1, 1 / factor)
    matrix = np.zeros((out, size))
    for i in range(out):
        centre = (i + 0.5) / factor - 0.5
        taps = np.arange(max(0, math.floor(centre - 2 * stretch)), math.ceil(centre + 2 * stretch) + 1)
        for tap, weight in zip(taps, cubic((taps - centre) / stretch)):
            inside = tap % (2 * size)
            matrix[i, min(inside, 2 * size - 1 - inside)] += weight
    return torch.tensor(matrix / matrix.sum(1, keepdims=True), dtype=torch.float32)


class Resizer:
    """Bicubic resize by `factor` to `shape` of pictures in [-1, 1], rounded down to 8 bits first as the official code does."""

    def __init__(self):
        self.matrices = {}

    def __call__(self, x, factor, shape):
        key = (*x.shape[-2:], factor, *shape)
        if key not in self.matrices:
            self.matrices[key] = [resize_matrix(n, factor, out) for n, out in zip(x.shape[-2:], shape)]
        rows, columns = self.matrices[key]
        coarse = ((x + 1) / 2).clamp(0, 1).mul(255).floor() / 255 * 2 - 1
        return (rows @ coarse @ columns.T).clamp(-1, 1)


resize = Resizer()


def pyramid(photo, max_size):
    """The photo at every scale, coarsest first, and the factor from one scale to the one below it (< 1)."""

    def scaled(x, factor):
        return resize(x, factor, [math.ceil(n * factor - 1e-6) for n in x.shape[-2:]]) if factor < 1 else x

    def steps(ratio):
        return math.ceil(math.log(ratio, FACTOR) - 1e-9)

    short, long = min(photo.shape[-2:]), max(photo.shape[-2:])
    last = steps(MIN_SIZE / short) + 1 - steps(min(max_size, long) / long)
    finest = scaled(photo, min(max_size / long, 1))
    factor = (MIN_SIZE / min(finest.shape[-2:])) ** (1 / last)
    return [scaled(finest, factor ** (last - i)) for i in range(last + 1)], factor


def initial(net):
    """The official start: weights N(0, 0.02), norms N(1, 0.02) and 0, biases as PyTorch draws them."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0, 0.02)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
    return net


class SinGan:
    def __init__(self, photo, max_size, channels):
        self.reals, self.factor = pyramid(photo, max_size)
        self.channels = channels
        self.generators, self.amplitudes = [], []
        self.z_star = None

    def noise(self, scale, count=1, reconstruct=False):
        """z of a scale: random, grey at the coarsest; or the reconstruction's, z* there and zeros above."""
        if reconstruct:
            return torch.zeros_like(self.reals[scale]) if scale else self.z_star
        shape = self.reals[scale].shape[-2:]
        return torch.randn(count, 3, *shape) if scale else torch.randn(count, 1, *shape).expand(count, 3, *shape)

    def enlarged(self, picture, scale):
        return resize(picture, 1 / self.factor, self.reals[scale].shape[-2:])

    def sample(self, count=1, reconstruct=False):
        """Pictures of the frozen scales, coarsest first: of each its noise, the picture that it starts from, and the picture that it makes."""
        below, stages = torch.zeros(count, 3, *self.reals[0].shape[-2:]), []
        for scale, (generator, amplitude) in enumerate(zip(self.generators, self.amplitudes)):
            if scale > 0:
                below = self.enlarged(stages[-1][-1], scale)
            z = self.noise(scale, count, reconstruct)
            stages.append((z, below, generator(pad(amplitude * z + below), pad(below))))
        return stages

    def previous(self, scale, reconstruct=False):
        """The picture that the frozen scales below `scale` make for it: random, or the reconstruction."""
        if scale == 0:
            return torch.zeros_like(self.reals[0])
        return self.enlarged(self.sample(reconstruct=reconstruct)[-1][-1], scale)

    def train_scale(self, iterations, weights):
        """Train the next scale, from the weights of the last one where the channels are equal. Returns the two nets' weights."""
        scale = len(self.generators)
        channels = min(self.channels * 2 ** (scale // 4), 4 * self.channels)
        g, d = initial(Net(channels, 3)), initial(Net(channels, 1))
        if weights and weights[0]["tail.weight"].shape[1] == channels:
            g.load_state_dict(weights[0])
            d.load_state_dict(weights[1])
        step_g, step_d = Adam(g), Adam(d)
        real, z_star = self.reals[scale], 0
        z_previous = self.previous(scale, reconstruct=True)
        amplitude = 0.1 * F.mse_loss(z_previous, real).sqrt().item() if scale else 1
        for iteration in range(iterations):
            if scale == 0:
                z_star = self.noise(0)
            noise = self.noise(scale)
            for _ in range(STEPS):
                below = self.previous(scale)
                fake = g(pad(amplitude * noise + below), pad(below))
                d.zero_grad()
                a = torch.rand(1)
                between = (a * real + (1 - a) * fake.detach()).requires_grad_(True)
                (gradient,) = torch.autograd.grad(d(between).sum(), between, create_graph=True)
                penalty = ((gradient.norm(2, dim=1) - 1) ** 2).mean()
                (d(fake.detach()).mean() - d(real).mean() + GP_WEIGHT * penalty).backward()
                step_d.step()
            kept = fake.detach().requires_grad_(True)
            (adversarial,) = torch.autograd.grad(-d(kept).mean(), kept)
            for step in range(STEPS):
                g.zero_grad()
                fake.backward(adversarial, retain_graph=step < STEPS - 1)
                reconstruction = g(pad(amplitude * z_star + z_previous), pad(z_previous))
                (REC_WEIGHT * F.mse_loss(reconstruction, real)).backward()
                step_g.step()
            if iteration + 1 == int(0.8 * iterations):
                for step in (step_g, step_d):
                    step.adam.param_groups[0]["lr"] *= 0.1
        if scale == 0:
            self.z_star = z_star
        self.generators.append(g.eval().requires_grad_(False))
        self.amplitudes.append(amplitude)
        return g.state_dict(), d.state_dict()


def save(x, path):
    pixels = ((x + 1) / 2).clamp(0, 1).mul(255).floor().byte()
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)


def official_names(generator):
    """The tensors of a generator by their names in the official code."""
    for block, (conv, norm, _) in zip(BLOCKS, generator.features):
        for part, module in (("conv", conv), ("norm", norm)):
            yield from ((f"{block}.{part}.{name}", t) for name, t in module.state_dict().items() if name != "num_batches_tracked")
    yield from ((f"tail.0.{name}", t) for name, t in generator.tail.state_dict().items())


def record(model, samples, reconstruction, path):
    """Writes a golden vector (test/golden/README.md, i_sampling): the model, and all stages of the samples and of the reconstruction."""
    count = len(samples[0][0])
    inputs, outputs = {"z_star": model.z_star[:, :1]}, {}
    for k, generator in enumerate(model.generators):
        inputs.update((f"G.{k}.{name}", t) for name, t in official_names(generator))
    for i in range(count):
        inputs.update((f"sample.{i}.noise.{k}", z[i, : 3 if k else 1]) for k, (z, _, _) in enumerate(samples))
    for name, stages, i in [("rec", reconstruction, 0), *((f"sample.{i}", samples, i) for i in range(count))]:
        outputs.update((f"{name}.below.{k}", below[i]) for k, (_, below, _) in enumerate(stages) if k > 0)
        outputs.update((f"{name}.picture.{k}", picture[i]) for k, (_, _, picture) in enumerate(stages))
    params = {
        "sizes": [[*real.shape[-2:]] for real in model.reals], "scale_factor": model.factor, "noise_amps": model.amplitudes,
        "channels": model.channels, "samples": count,
    }
    columns = {name: [float(f"{x:.3g}") for x in (t.abs().max(), t.square().mean().sqrt())] for name, t in outputs.items()}
    metadata = {"op": "sampling", "params": json.dumps(params), "outputs_columns": "max_abs,rms", "outputs": json.dumps(columns)}
    write_safetensors(path, {**inputs, **outputs}, metadata)


def write_safetensors(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, t in tensors.items():
        values = t.contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": [*t.shape], "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photo")
    parser.add_argument("out")
    parser.add_argument("--record", metavar="FILE")
    for name, value in (("seed", 1), ("max-size", 64), ("iterations", 500), ("channels", 32), ("samples", 20)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    pixels = np.asarray(Image.open(options.photo).convert("RGB"), dtype=np.float32)
    model = SinGan(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1, options.max_size, options.channels)
    weights = None
    for real in model.reals:
        weights = model.train_scale(options.iterations, weights)
        print(f"scale {len(model.generators) - 1}: {real.shape[-1]}x{real.shape[-2]}, noise {model.amplitudes[-1]:.4f}", flush=True)
    os.makedirs(options.out, exist_ok=True)
    samples, reconstruction = model.sample(options.samples), model.sample(reconstruct=True)
    for i, picture in enumerate(samples[-1][-1]):
        save(picture, f"{options.out}/sample_{i:02d}.png")
    save(reconstruction[-1][-1][0], f"{options.out}/rec.png")
    save(model.reals[-1][0], f"{options.out}/real.png")
    if options.record:
        record(model, samples, reconstruction, options.record)


if __name__ == "__main__":
    main()
