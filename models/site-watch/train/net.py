"""A small anchor-free detector in the output layout of the yolox family, and a small classifier. Both take BGR 0..255."""

import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)


class Conv(nn.Sequential):
    def __init__(self, inputs, outputs, size=3, stride=1, groups=1):
        super().__init__(nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Bottleneck(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(Conv(width, width // 2, 1), Conv(width // 2, width))

    def forward(self, x):
        return x + self.body(x)


class Scaled(nn.Module):
    """The net's own idea of a pixel; what it is fed stays 0..255 as the manifest says."""

    def forward(self, x):
        return x * (1 / 64) - 2


class Detector(nn.Module):
    def __init__(self, classes, widths=(16, 32, 48, 80, 112), neck=56):
        super().__init__()
        a, b, c, d, e = widths
        self.stem = nn.Sequential(Scaled(), Conv(3, a, 3, 2), Conv(a, b, 3, 2), Bottleneck(b))
        self.eight = nn.Sequential(Conv(b, c, 3, 2), Bottleneck(c), Bottleneck(c))
        self.sixteen = nn.Sequential(Conv(c, d, 3, 2), Bottleneck(d), Bottleneck(d))
        self.thirty = nn.Sequential(Conv(d, e, 3, 2), Bottleneck(e), Bottleneck(e))
        self.wide = nn.MaxPool2d(5, 1, 2)
        self.join = Conv(e * 2, neck, 1)
        self.lateral16, self.lateral8 = Conv(d, neck, 1), Conv(c, neck, 1)
        self.down16, self.down32 = Conv(neck, neck, 3, 2), Conv(neck, neck, 3, 2)
        self.fuse = nn.ModuleList([Bottleneck(neck) for _ in STRIDES])
        self.class_branch = nn.ModuleList([nn.Sequential(Conv(neck, neck, 3, groups=neck), Conv(neck, neck, 1)) for _ in STRIDES])
        self.box_branch = nn.ModuleList([nn.Sequential(Conv(neck, neck), Conv(neck, neck, 1)) for _ in STRIDES])
        self.to_class = nn.ModuleList([nn.Conv2d(neck, classes, 1) for _ in STRIDES])
        self.to_box = nn.ModuleList([nn.Conv2d(neck, 5, 1) for _ in STRIDES])
        for layer in self.to_class:
            nn.init.constant_(layer.bias, -2.0)
        for layer in self.to_box:
            nn.init.constant_(layer.bias, 0.0)
            with torch.no_grad():
                layer.bias[4] = -4.5

    def forward(self, x):
        """@returns N×anchors×(5 + classes): dx, dy, log w, log h in strides, then logits of objectness and classes"""
        eight = self.eight(self.stem(x))
        sixteen = self.sixteen(eight)
        thirty = self.thirty(sixteen)
        p32 = self.join(torch.cat([thirty, self.wide(thirty)], 1))
        p16 = self.fuse[1](self.lateral16(sixteen) + F.interpolate(p32, scale_factor=2.0, mode="nearest"))
        p8 = self.fuse[0](self.lateral8(eight) + F.interpolate(p16, scale_factor=2.0, mode="nearest"))
        p16 = p16 + self.down16(p8)
        p32 = self.fuse[2](p32 + self.down32(p16))
        rows = []
        for i, level in enumerate((p8, p16, p32)):
            box = self.to_box[i](self.box_branch[i](level))
            kind = self.to_class[i](self.class_branch[i](level))
            rows.append(torch.cat([box, kind], 1).flatten(2).permute(0, 2, 1))
        return torch.cat(rows, 1)


class Exported(nn.Module):
    """As the yolox family expects it: objectness and classes are sigmoid, boxes are not decoded."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        rows = self.net(images)
        return torch.cat([rows[..., :4], rows[..., 4:].sigmoid()], -1)


class BedClassifier(nn.Module):
    def __init__(self, classes=2):
        super().__init__()
        self.body = nn.Sequential(
            Scaled(), Conv(3, 16, 3, 2), Conv(16, 32, 3, 2), Bottleneck(32), Conv(32, 64, 3, 2), Bottleneck(64), Bottleneck(64), Conv(64, 96, 3, 2), Bottleneck(96)
        )
        self.last = nn.Linear(96, classes)
        self.drop = nn.Dropout(0.2)

    def forward(self, crops):
        return self.last(self.drop(self.body(crops).mean((2, 3))))


def anchors(width, height):
    """@returns (centres M×2 in pixels, strides M): the same order as the rows of the output"""
    centres, strides = [], []
    for stride in STRIDES:
        ys, xs = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        centres.append(torch.stack([xs.flatten(), ys.flatten()], 1).float() * stride)
        strides.append(torch.full((xs.numel(),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def decode(rows, origins, strides):
    """@returns boxes N×M×4 as left, top, right, bottom in pixels of the input"""
    centre = origins + rows[..., :2] * strides[:, None]
    size = rows[..., 2:4].clamp(max=6).exp() * strides[:, None]
    return torch.cat([centre - size / 2, centre + size / 2], -1)
