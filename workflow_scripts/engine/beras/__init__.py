"""The study of Beras, the Keras look-alike in NumPy: what is trained and measured, and how it is drawn and reported.

Beras and its assignment are imported the way their users import them, `import Beras`, with `models/` on the path.
Importing this package puts their two folders on the path; never import `models.Beras`, which would be a second copy of
every class.
"""

import sys
from pathlib import Path

MODELS = Path(__file__).resolve().parents[3] / "models"
ASSIGNMENT = MODELS / "beras_assignment"

for folder in (MODELS, ASSIGNMENT):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
