"""Train the official SinGAN's settings on one photo in PyTorch and write samples, so that figures can be compared over many seeds.

    python3 bench/peers/official.py PHOTO OUT [--seed 1] [--max-size 64] [--iterations 500] [--samples 20]

Needs PyTorch, NumPy and Pillow; runs on the CPU in one thread. Writes to OUT sample_00.png and so on, rec.png (the reconstruction), real.png
(the finest level trained on).

Written from the behaviour of tamarott/SinGAN, not from its text: fixed order of 3 D and 3 G steps, z* redrawn at scale 0, G steps that
backpropagate through one kept fake, running statistics, a resize that rounds down to 8 bits, learning rate a tenth after 0.8 of the iterations.
"""

import argparse
import math
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image
from pytorch import PAD, Adam, Net

MIN_SIZE, FACTOR, GP_WEIGHT, REC_WEIGHT, STEPS = 25, 0.75, 0.1, 10, 3
pad = nn.ZeroPad2d(PAD)


def cubic(t):
    """Keys' kernel, a = -0.5."""
    t = np.abs(t)
    return np.where(t <= 1, 1.5 * t**3 - 2.5 * t**2 + 1, np.where(t <= 2, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2, 0))


def resize_matrix(size, factor, out):
    """[out, size] weights of MATLAB's imresize along one axis: antialiased where it shrinks, edges mirrored."""
    stretch = max(1, 1 / factor)
    matrix = np.zeros((out, size))
    for i in range(out):
        centre = (i + 0.5) / factor - 0.5
        taps = np.arange(math.floor(centre - 2 * stretch), math.ceil(centre + 2 * stretch) + 1)
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
    def __init__(self, photo, max_size):
        self.reals, self.factor = pyramid(photo, max_size)
        self.generators, self.amplitudes = [], []
        self.z_star = None

    def noise(self, scale, count=1, reconstruct=False):
        """z of a scale: random, grey at the coarsest; or the reconstruction's, z* there and zeros above."""
        if reconstruct:
            return torch.zeros_like(self.reals[scale]) if scale else self.z_star
        shape = self.reals[scale].shape[-2:]
        return torch.randn(count, 3, *shape) if scale else torch.randn(count, 1, *shape).expand(count, 3, *shape)

    def previous(self, scale, count=1, reconstruct=False):
        """The picture that the frozen scales below `scale` make for it: random, or the reconstruction."""
        y = torch.zeros(count, 3, *self.reals[0].shape[-2:])
        with torch.no_grad():
            for k in range(scale):
                z = self.noise(k, count, reconstruct)
                y = self.generators[k](pad(self.amplitudes[k] * z + y), pad(y))
                y = resize(y, 1 / self.factor, self.reals[k + 1].shape[-2:])
        return y

    def train_scale(self, iterations, weights):
        """Train the next scale, from the weights of the last one where the channels are equal. Returns the two nets' weights."""
        scale = len(self.generators)
        channels = min(32 * 2 ** (scale // 4), 128)
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

    def sample(self, count=1, reconstruct=False):
        last = len(self.reals) - 1
        below = self.previous(last, count, reconstruct)
        z = self.noise(last, count, reconstruct)
        return self.generators[last](pad(self.amplitudes[last] * z + below), pad(below))


def save(x, path):
    pixels = ((x + 1) / 2).clamp(0, 1).mul(255).floor().byte()
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photo")
    parser.add_argument("out")
    for name, value in (("seed", 1), ("max-size", 64), ("iterations", 500), ("samples", 20)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    pixels = np.asarray(Image.open(options.photo).convert("RGB"), dtype=np.float32)
    model = SinGan(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1, options.max_size)
    weights = None
    for real in model.reals:
        weights = model.train_scale(options.iterations, weights)
        print(f"scale {len(model.generators) - 1}: {real.shape[-1]}x{real.shape[-2]}, noise {model.amplitudes[-1]:.4f}", flush=True)
    os.makedirs(options.out, exist_ok=True)
    for i, picture in enumerate(model.sample(options.samples)):
        save(picture, f"{options.out}/sample_{i:02d}.png")
    save(model.sample(reconstruct=True)[0], f"{options.out}/rec.png")
    save(model.reals[-1][0], f"{options.out}/real.png")


if __name__ == "__main__":
    main()
