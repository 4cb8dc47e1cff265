"""The study of Beras, the Keras mimic in NumPy: what is trained and measured, and how that is drawn and told.

Beras and its assignment are imported as their users import them, `import Beras`, with `models/` on the path. Importing
this package puts the two folders there; nobody imports `models.Beras`, which would be a second copy of every class.
"""

import sys
from pathlib import Path

MODELS = Path(__file__).resolve().parents[3] / "models"
ASSIGNMENT = MODELS / "beras_assignment"

for folder in (MODELS, ASSIGNMENT):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
