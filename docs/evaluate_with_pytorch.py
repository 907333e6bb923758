"""Evaluates a default ConvStrix run with PyTorch alone: an oracle for `strix evaluate`.

    strix evaluate RUN --predictions predictions.csv
    python3 evaluate_with_pytorch.py RUN DIR-OF-FASHION-MNIST predictions.csv

Needs numpy and torch. Reads manifest.json and model.safetensors by hand, so that nothing of Strix
or burn is in the answer.
"""
import csv, gzip, json, struct, sys
import numpy as np
import torch
import torch.nn.functional as F

run, data, predictions = sys.argv[1:]
manifest = json.load(open(f"{run}/manifest.json"))
model = manifest["config"]["model"]
assert (model["block_layers"], model["activation"]) == (1, "relu"), "this script knows the default layers alone"

raw = open(f"{run}/model.safetensors", "rb").read()
begin = 8 + struct.unpack("<Q", raw[:8])[0]
weights = {}
for name, entry in json.loads(raw[8:begin]).items():
    if name != "__metadata__":
        values = np.frombuffer(raw, "<f4", int(np.prod(entry["shape"])), begin + entry["data_offsets"][0])
        weights[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())

images = np.frombuffer(gzip.open(f"{data}/t10k-images-idx3-ubyte.gz").read(), "u1", offset=16).reshape(-1, 1, 28, 28)
labels = np.frombuffer(gzip.open(f"{data}/t10k-labels-idx1-ubyte.gz").read(), "u1", offset=8)
by = manifest["normalization"]
x = torch.from_numpy(((images / 255 - by["mean"]) / by["sd"]).astype("f4"))
with torch.no_grad():
    for block in range(model["blocks"]):
        layer = f"convolutions.{block}.0"
        x = F.relu(F.conv2d(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"], padding=1))
        if block + 1 < model["blocks"]:
            norm = [weights[f"norms.{block}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
            x = F.max_pool2d(F.batch_norm(x, *norm, eps=1e-5), 2)
    x = x.flatten(1)
    for dense in range(model["dense_layers"]):
        x = F.relu(F.linear(x, weights[f"dense.{dense}.weight"], weights[f"dense.{dense}.bias"]))
    logits = F.linear(x, weights["output.weight"], weights["output.bias"])

rows = list(csv.DictReader(open(predictions)))
predicted = np.array([int(row["predicted"]) for row in rows])
odds = np.array([[float(row[f"p{c}"]) for c in range(10)] for row in rows])
print("accuracy", (logits.argmax(1).numpy() == labels).mean())
print("loss", F.cross_entropy(logits, torch.from_numpy(labels.astype("i8"))).item())
print("equal predictions", (logits.argmax(1).numpy() == predicted).sum(), "of", len(labels))
print("largest difference of a probability", abs(odds - logits.softmax(1).numpy()).max())
