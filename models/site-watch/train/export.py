"""Writes the trained nets as ONNX. python export.py DETECTOR.pt BED.pt FOLDER; prints each file's size and SHA-256"""

import hashlib
import os
import sys

import onnx
import torch
from torch import nn

from net import BedClassifier, Detector, Exported
from train_bed import SIDE
from train_detector import CLASSES, HEIGHT, WIDTH


def fuse(net):
    """Batch normalisation becomes part of the convolution before it."""
    for module in net.modules():
        if isinstance(module, nn.Sequential):
            for i in range(len(module) - 1):
                if isinstance(module[i], nn.Conv2d) and isinstance(module[i + 1], nn.BatchNorm2d):
                    module[i] = nn.utils.fuse_conv_bn_eval(module[i], module[i + 1])
                    module[i + 1] = nn.Identity()
    return net


def write(net, shape, path, inputs, outputs):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    torch.onnx.export(net, torch.zeros(shape), path, input_names=[inputs], output_names=[outputs], opset_version=13, dynamo=False)
    model = onnx.load(path)
    model.producer_name, model.producer_version, model.doc_string = "shao site-watch", "1", ""
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, path)
    data = open(path, "rb").read()
    print(f"{path}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


def main():
    detector, bed = Detector(CLASSES), BedClassifier()
    detector.load_state_dict(torch.load(sys.argv[1], weights_only=True))
    bed.load_state_dict(torch.load(sys.argv[2], weights_only=True))
    write(Exported(fuse(detector.eval())).eval(), (1, 3, HEIGHT, WIDTH), os.path.join(sys.argv[3], "model.onnx"), "images", "output")
    write(fuse(bed.eval()), (1, 3, SIDE, SIDE), os.path.join(sys.argv[3], "bed", "model.onnx"), "crops", "scores")


if __name__ == "__main__":
    main()
