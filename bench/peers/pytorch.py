"""One training iteration (3 D steps, 3 G steps) of the official SinGAN network in PyTorch, per scale of a 250x188 photo's pyramid.

    python3 bench/peers/pytorch.py [ROUNDS]

Needs PyTorch and a CUDA GPU. Prints a line of JSON per scale and float32 mode: "tf32" is PyTorch's default for convolutions, "fp32" is not.
Networks, losses and order of steps are those of models.py and training.py of tamarott/SinGAN. What that code does on the CPU (resizing, file
output) is left out or done on the GPU, which favours PyTorch. As in that code, the G steps backpropagate through one kept fake.
"""

import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

SIZES = [  # width, height, channels: the paper's settings
    (34, 25, 32), (42, 32, 32), (53, 40, 32), (66, 49, 32), (82, 62, 64),
    (102, 77, 64), (128, 96, 64), (160, 121, 64), (200, 151, 128), (250, 188, 128),
]
PAD = 5
WARM_UP = 4
DEVICE = "cuda"


def block(c_in, c_out):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3), nn.BatchNorm2d(c_out), nn.LeakyReLU(0.2, inplace=True))


class Net(nn.Module):
    """Five 3x3 convolutions. D returns a score map; G adds the tanh of its output to the previous picture."""

    def __init__(self, channels, c_out):
        super().__init__()
        self.features = nn.Sequential(block(3, channels), *(block(channels, channels) for _ in range(3)))
        self.tail = nn.Conv2d(channels, c_out, 3)

    def forward(self, x, previous=None):
        y = self.tail(self.features(x))
        return y if previous is None else torch.tanh(y) + previous[:, :, PAD:-PAD, PAD:-PAD]


class Adam:
    """Adam on parameters that autograd does not watch: newer PyTorch refuses to backpropagate twice through a graph whose weights changed."""

    def __init__(self, net):
        self.pairs = [(p, nn.Parameter(p.data)) for p in net.parameters()]
        self.adam = torch.optim.Adam([q for _, q in self.pairs], lr=5e-4, betas=(0.5, 0.999))

    def step(self):
        for p, q in self.pairs:
            q.grad = p.grad
        self.adam.step()


def trainer(scale):
    width, height, channels = SIZES[scale]
    torch.manual_seed(0)
    g, d = Net(channels, 3).to(DEVICE), Net(channels, 1).to(DEVICE)
    frozen = [Net(SIZES[k][2], 3).to(DEVICE).eval().requires_grad_(False) for k in range(scale)]
    step_g, step_d = Adam(g), Adam(d)
    pad = nn.ZeroPad2d(PAD)
    real = torch.rand(1, 3, height, width, device=DEVICE) * 2 - 1
    z_star = pad(torch.randn_like(real) if scale == 0 else torch.zeros_like(real))
    z_previous = pad(torch.zeros_like(real))

    def chain():
        picture = torch.zeros(1, 3, SIZES[0][1], SIZES[0][0], device=DEVICE)
        for k, net in enumerate(frozen):
            padded = pad(picture)
            picture = net(0.1 * pad(torch.randn_like(picture)) + padded, padded)
            size = (SIZES[k + 1][1], SIZES[k + 1][0])
            picture = F.interpolate(picture.clamp(-1, 1), size=size, mode="bicubic").clamp(-1, 1)
        return picture

    def iteration():
        noise = pad(torch.randn_like(real))
        for _ in range(3):
            d.zero_grad()
            (-d(real).mean()).backward(retain_graph=True)
            previous = pad(chain())
            fake = g((0.1 * noise + previous).detach(), previous)
            d(fake.detach()).mean().backward(retain_graph=True)
            alpha = torch.rand(1, 1, device=DEVICE).expand(real.size())
            between = (alpha * real + (1 - alpha) * fake.detach()).requires_grad_(True)
            scores = d(between)
            (gradient,) = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True)
            (0.1 * ((gradient.norm(2, dim=1) - 1) ** 2).mean()).backward()
            step_d.step()
        for _ in range(3):
            g.zero_grad()
            (-d(fake).mean()).backward(retain_graph=True)
            (10 * F.mse_loss(g(z_star, z_previous), real)).backward()
            step_g.step()

    return iteration


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    for scale, (width, height, channels) in enumerate(SIZES):
        for mode in ("tf32", "fp32"):
            torch.backends.cudnn.allow_tf32 = mode == "tf32"
            iteration = trainer(scale)
            for _ in range(WARM_UP):
                iteration()
            times = []
            for _ in range(rounds):
                torch.cuda.synchronize()
                start = time.perf_counter()
                iteration()
                torch.cuda.synchronize()
                times.append(1000 * (time.perf_counter() - start))
            times.sort()
            result = {
                "what": "iteration", "peer": f"pytorch {torch.__version__}", "mode": mode, "adapter": torch.cuda.get_device_name(),
                "scale": scale, "width": width, "height": height, "channels": channels, "median_ms": round(times[len(times) // 2], 3),
                "p25_ms": round(times[len(times) // 4], 3), "p75_ms": round(times[3 * len(times) // 4], 3), "rounds": rounds,
            }
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
