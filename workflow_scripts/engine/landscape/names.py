"""Names of the tables and figures of a landscape study and of loss surfaces, without pandas, for dry-runs."""

TABLES = ("landscape_steps.csv", "lags.csv", "walks.csv", "shifts.csv")  # in the summary's folder
FIGURES = (
    "landscape_curves",
    "loss_envelope",
    "gradient_predictiveness",
    "beta_smoothness",
    "walks",
    "covariate_shift",
    "protocols",
)
SURFACES = ("surface_lines", "surface_contours", "surface_3d")
