"""How the length of an optimiser's step depends on the size of the gradient, by the optimiser's name.

One that is registered elsewhere is in neither table: nothing is known about its steps. PyTorch is not imported, since
reports ask, too.
"""

ALONG = ("sgd", "momentum", "nesterov", "own_sgd")  # step along the gradient: of twice the size, it moves twice as far
# These divide by the gradient's own size, so that a step has the same length whatever that is, unless the mean
# |gradient| of a layer's weights is below this. It is the epsilon that Adam and RMSprop add to the root of the mean
# square. Muon leaves the first layer, which the smallest gradients reach, to AdamW; elsewhere it divides by a layer's
# norm, but by no less than 1e-7: that of 9,216 weights with a mean of 1e-9.
SMALLEST = {"adam": 1e-8, "adamw": 1e-8, "own_adam": 1e-8, "rmsprop": 1e-8, "muon": 1e-8}
