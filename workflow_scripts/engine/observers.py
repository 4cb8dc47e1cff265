"""What a study may ask to be measured along the way of a run, by name. An observer changes nothing of the training.

`@register_observer("lags")` registers a class that is called with the `trainer.Training` and the settings of
`cells.measured`. The trainer calls `before_update(images, labels)` once a step's gradients are there and
`after_update(images, labels)` once the weights have moved; `arrays()` gives NumPy arrays for the cell's steps.npz, and
`state_dict()` and `load_state_dict(state)` hold what a checkpoint needs.
"""

from models.registry import Registry

OBSERVERS = Registry("observer")
register_observer = OBSERVERS.register
