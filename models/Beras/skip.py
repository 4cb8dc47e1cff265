"""The skip connection (He et al., 2016)."""

import numpy as np

from .core import Diffable, backpropagate, checked_layers, floating, stop_recording, trainable_weights


class SkipConnection(Diffable):
    """outputs = inputs + f(inputs), where f is the chain of `layers`; ValueError is raised if it changes the shape.

    Its derivative is 1 + f': however small f' is, the gradient of the loss reaches the earlier layers.
    """

    def __init__(self, layers):
        super().__init__()
        self.layers = checked_layers(layers, "SkipConnection")
        self.inputs = None
        self.outputs = None

    @property
    def trainable(self):
        """Whether training changes the weights. Setting it also sets it for all layers inside, as in Keras."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = value
        for layer in getattr(self, "layers", ()):  # none exist yet when the base class sets the default
            layer.trainable = value

    @property
    def weights(self):
        return [weight for layer in self.layers for weight in trainable_weights(layer)]

    @property
    def variables(self):
        return [variable for layer in self.layers for variable in layer.variables]

    @property
    def losses(self):
        return [penalty for layer in self.layers for penalty in layer.losses]

    def forward(self, inputs):
        self.inputs = outputs = floating(inputs)
        with stop_recording():  # the tape has one operation for the whole connection
            for layer in self.layers:
                outputs = layer(outputs)
        if outputs.shape != self.inputs.shape:
            raise ValueError(
                f"the layers of a SkipConnection should return the shape that they are given, {self.inputs.shape}, "
                f"found {outputs.shape}"
            )
        self.outputs = self.inputs + outputs
        return self.outputs

    def input_gradients(self):
        """(batch, n, n): column o is the gradient at the inputs for a gradient of 1 at output o."""
        units = np.eye(self.outputs.shape[1], dtype=self.outputs.dtype)
        columns = [self.compose_to_input(np.broadcast_to(unit, self.outputs.shape)) for unit in units]
        return np.stack(columns, axis=-1)

    def compose_to_input(self, J):
        """Both paths back: the direct one, and the one through the layers."""
        return J + backpropagate(self.layers, J)[1]

    def compose_to_weight(self, J):
        """The gradients of the layers' weights, in the order of `weights`."""
        return backpropagate(self.layers, J)[0]

    def compose(self, J):
        """One walk through the layers gives both; two walks would double the work at every level of nesting."""
        grads, through = backpropagate(self.layers, J)
        return grads if self.trainable else [], J + through
