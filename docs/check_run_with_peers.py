"""Checks an evaluated run against other programs that read what it wrote: onnxruntime, scikit-learn and TensorBoard.

    strix evaluate RUN --predictions predictions.csv
    strix export RUN model.onnx
    python3 check_run_with_peers.py RUN predictions.csv model.onnx DIR

DIR holds Fashion-MNIST's test images, or "-" to leave the images out. Needs numpy, onnxruntime, scikit-learn and
tensorboard. Prints what it compared, and fails where anything differs by more than it says.
"""
import csv, glob, gzip, json, math, sys
import numpy as np
import onnxruntime
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, log_loss
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run, predictions, model, data = sys.argv[1:]
rows = list(csv.DictReader(open(predictions)))
labels = np.array([int(row["label"]) for row in rows])
predicted = np.array([int(row["predicted"]) for row in rows])
classes = sum(name.startswith("p") and name[1:].isdigit() for name in rows[0])
odds = np.array([[float(row[f"p{c}"]) for c in range(classes)] for row in rows])

if data != "-":
    pixels = np.frombuffer(gzip.open(f"{data}/t10k-images-idx3-ubyte.gz").read(), "u1", offset=16)
    pixels = pixels.reshape(-1, 1, 28, 28).astype("f4")
    session = onnxruntime.InferenceSession(model)
    found = np.concatenate([session.run(["probabilities"], {"pixels": part})[0] for part in np.split(pixels, 100)])
    apart = abs(found - odds).max()
    print(f"onnxruntime {onnxruntime.__version__}: {len(found)} images, largest difference of a probability {apart:.2e},",
          f"{(found.argmax(1) == predicted).sum()} equal predictions")
    assert apart < 1e-4, apart

evaluation = json.load(open(f"{run}/evaluation.json"))
metrics = evaluation["metrics"]
report = classification_report(labels, predicted, labels=range(classes), output_dict=True, zero_division=np.nan)
assert metrics["accuracy"] == accuracy_score(labels, predicted)
assert math.isclose(metrics["macro_f1"], report["macro avg"]["f1-score"], rel_tol=1e-15)
assert evaluation["confusion"] == confusion_matrix(labels, predicted, labels=range(classes)).tolist()
loss = log_loss(labels, odds / odds.sum(1, keepdims=True), labels=range(classes))
assert math.isclose(metrics["loss_mean"], loss, rel_tol=1e-4), (metrics["loss_mean"], loss)
sure = odds.max(1)
bins = np.clip(np.ceil(sure * 15), 1, 15)
error = sum(abs((sure[bins == b] - (predicted == labels)[bins == b]).sum()) for b in range(1, 16)) / len(labels)
assert math.isclose(metrics["calibration_error"], error, abs_tol=1e-5), (metrics["calibration_error"], error)
print(f"scikit-learn: accuracy {metrics['accuracy']!r}, mean F1 {metrics['macro_f1']!r} and every count of the confusion",
      "matrix are equal")

epochs = [json.loads(line) for line in open(f"{run}/metrics.jsonl")]
events = EventAccumulator(f"{run}/tensorboard", size_guidance={"scalars": 0, "histograms": 0, "images": 0})
events.Reload()
for tag, value in [("loss/train", lambda e: e["train"]["loss_mean"]), ("loss/validation", lambda e: e["validation"]["loss_mean"]),
                   ("accuracy/validation", lambda e: e["validation"]["accuracy"]), ("learning_rate", lambda e: e["learning_rate"])]:
    scalars = events.Scalars(tag)
    assert [s.step for s in scalars] == [e["epoch"] for e in epochs], tag
    assert all(math.isclose(s.value, value(e), rel_tol=1e-6) for s, e in zip(scalars, epochs)), tag
tags = events.Tags()
histograms = [events.Histograms(tag)[-1].histogram_value for tag in tags["histograms"]]
assert histograms and all(h.num == sum(h.bucket) and len(h.bucket) == len(h.bucket_limit) for h in histograms)
sheet = events.Images("test/misclassified")[0]
assert sheet.encoded_image_string.startswith(b"\x89PNG")
config = open(f"{run}/tensorboard/projector_config.pbtxt").read()
vectors, names = (open(f"{run}/tensorboard/{name}").read().splitlines() for name in ("features.tsv", "labels.tsv"))
assert len(vectors) + 1 == len(names) and "sprite.png" in config
print(f"TensorBoard: {len(tags['scalars'])} scalars over {len(epochs)} epochs, {len(histograms)} histograms,",
      f"a sheet of {sheet.width} x {sheet.height} pixels, {len(vectors)} vectors")
