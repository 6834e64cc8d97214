"""Wrote the graphs and the reference beside it: python make_graphs.py (onnx 1.19.0, numpy 2.2.6, OpenCV 4.11, Pillow 11.3).

Each graph gives fixed boxes in the layout of one family. Its scores are multiplied by the mean of the first channel that it
is fed, so that a wrong order of colours, scale or padding changes them. reference.json is what OpenCV and Pillow make of one
picture; the test writes the same picture by its formula.
"""

import json
import math
import os

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))


def save(name, nodes, inputs, outputs, constants):
    initialisers = [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, name, inputs, outputs, initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(HERE, f"{name}.onnx"))


def tensor(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def first_channel_mean(full):
    """[1,1,1]: the mean of channel 0 over `full`."""
    return [
        helper.make_node("Slice", ["images", "from", "to", "axis"], ["first"]),
        helper.make_node("ReduceMean", ["first"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Div", ["mean", "full"], ["share"]),
        helper.make_node("Reshape", ["share", "one"], ["factor"]),
    ], {"from": np.array([0], np.int64), "to": np.array([1], np.int64), "axis": np.array([1], np.int64), "full": np.float32(full), "one": np.array([1, 1, 1], np.int64)}


def scaled(name, rows, mask, full, side=64):
    """output = rows × (1 − mask + mask × mean of the first channel)"""
    nodes, constants = first_channel_mean(full)
    rows, mask = np.asarray(rows, np.float32)[None], np.asarray(mask, np.float32)[None]
    nodes += [
        helper.make_node("Mul", ["mask", "factor"], ["masked"]),
        helper.make_node("Add", ["masked", "rest"], ["weights"]),
        helper.make_node("Mul", ["rows", "weights"], ["output"]),
    ]
    save(name, nodes, [tensor("images", [1, 3, side, side])], [tensor("output", list(rows.shape))], {**constants, "rows": rows, "mask": mask, "rest": 1 - mask})


def yolox():
    rows = np.zeros((84, 7))
    rows[9] = [0.5, 0.5, math.log(2), math.log(3), 0.9, 0.1, 0.8]
    rows[10] = [-0.5, 0.5, math.log(2), math.log(3), 0.8, 0.1, 0.7]
    rows[11] = [-1.5, 0.5, math.log(2), math.log(3), 0.8, 0.9, 0.2]
    rows[64 + 10] = [0.5, 0.25, 0.0, math.log(1.5), 0.7, 0.9, 0.0]
    rows[80 + 3] = [0.0, 0.0, 0.0, 0.0, 0.3, 0.9, 0.0]
    mask = np.zeros((84, 7))
    mask[:, 4] = 1
    scaled("yolox", rows, mask, 255)


def yolo():
    rows = np.zeros((6, 5))
    rows[:, 0] = [32, 24, 20, 16, 0.9, 0.1]
    rows[:, 1] = [33, 24, 20, 16, 0.8, 0.1]
    rows[:, 2] = [33, 25, 20, 16, 0.1, 0.7]
    rows[:, 3] = [10, 32, 12, 40, 0.2, 0.6]
    rows[:, 4] = [50, 32, 12, 8, 0.2, 0.1]
    mask = np.zeros((6, 5))
    mask[4:] = 1
    scaled("yolo", rows, mask, 1)


def rt_detr():
    boxes = np.array([[[0.25, 0.25, 0.75, 0.5], [0.0, 0.5, 0.5, 1.0], [0.1, 0.1, 0.2, 0.2]]], np.float32)
    nodes, constants = first_channel_mean(1)
    nodes += [
        helper.make_node("Cast", ["orig_target_sizes"], ["size"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["size", "size"], ["corners"], axis=1),
        helper.make_node("Reshape", ["corners", "corner_shape"], ["wide"]),
        helper.make_node("Mul", ["unit", "wide"], ["boxes"]),
        helper.make_node("Squeeze", ["factor", "last"], ["factor2"]),
        helper.make_node("Mul", ["fixed", "factor2"], ["scores"]),
        helper.make_node("Identity", ["kinds"], ["labels"]),
    ]
    constants |= {"unit": boxes, "corner_shape": np.array([1, 1, 4], np.int64), "last": np.array([2], np.int64), "fixed": np.array([[0.9, 0.6, 0.2]], np.float32), "kinds": np.array([[1, 0, 0]], np.int64)}
    outputs = [tensor("labels", [1, 3], TensorProto.INT64), tensor("boxes", [1, 3, 4]), tensor("scores", [1, 3])]
    save("rt-detr-authors", nodes, [tensor("images", [1, 3, 64, 64]), tensor("orig_target_sizes", [1, 2], TensorProto.INT64)], outputs, constants)

    middle = np.array([[[0.5, 0.375, 0.5, 0.25], [0.25, 0.75, 0.5, 0.5], [0.15, 0.15, 0.1, 0.1]]], np.float32)
    logits = np.log(np.array([[[0.7, 0.9], [0.6, 0.1], [0.2, 0.1]]]) / (1 - np.array([[[0.7, 0.9], [0.6, 0.1], [0.2, 0.1]]]))).astype(np.float32)
    nodes, constants = first_channel_mean(1)
    nodes += [helper.make_node("Mul", ["fixed", "factor"], ["logits"]), helper.make_node("Identity", ["unit"], ["pred_boxes"])]
    save("rt-detr-transformers", nodes, [tensor("images", [1, 3, 64, 64])], [tensor("logits", [1, 3, 2]), tensor("pred_boxes", [1, 3, 4])], {**constants, "fixed": logits, "unit": middle})

    scores = np.array([[[0.7, 0.9], [0.6, 0.1], [0.2, 0.1]]], np.float32)
    rows = np.concatenate([middle, scores], 2)[0]
    mask = np.zeros((3, 6))
    mask[:, 4:] = 1
    scaled("rt-detr-ultralytics", rows, mask, 1)


def classifier():
    """Logits are four times the means of the first and the second channel, 0 to 1."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("Slice", ["means", "from", "to", "axis"], ["two"]),
        helper.make_node("Mul", ["two", "four"], ["output"]),
    ]
    constants = {"from": np.array([0], np.int64), "to": np.array([2], np.int64), "axis": np.array([1], np.int64), "four": np.float32(4)}
    save("classifier", nodes, [tensor("images", [1, 3, 8, 8])], [tensor("output", [1, 2])], constants)


def pattern(width, height):
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((x * 7 + y * 13 + c * 50 + (x * y) % 11 * 9) % 256).astype(np.uint8)


def reference():
    cases = {}
    for width, height in ((37, 23), (5, 9), (64, 48)):
        source = pattern(width, height)
        cases[f"bilinear {width}x{height} 12x12"] = cv2.resize(source, (12, 12), interpolation=cv2.INTER_LINEAR).flatten().tolist()
        cases[f"antialias {width}x{height} 12x12"] = np.asarray(Image.fromarray(source).resize((12, 12), Image.BILINEAR)).flatten().tolist()
    with open(os.path.join(HERE, "reference.json"), "w") as file:
        json.dump(cases, file, separators=(",", ":"))
        file.write("\n")


for make in (yolox, yolo, rt_detr, classifier, reference):
    make()
