"""Names of the files and figures of what a chosen network has learned, without PyTorch and pandas, for dry-runs."""

FILES = ("insight.json", "filters.npz", "predictions.csv", "confusion.csv", "per_class.csv", "tsne.csv", "grad_cam.npz")
FIGURES = ("filters", "grad_cam", "confusion", "class_accuracy", "tsne")
