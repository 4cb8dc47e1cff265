"""The machinery of back-propagation: things that can be called, things that can be differentiated, and the tape.

A network is a chain of layers that ends in a loss,

    x = z_0 -> f_1 -> z_1 -> f_2 -> z_2 -> ... -> f_k -> loss,

and training needs the gradient of the loss with respect to every weight. The chain rule gives all of them in one
walk from the loss back to the input. The walk carries one array, `J`, the gradient of the loss with respect to the
output of the layer it has reached; that layer composes `J` with its own derivatives in two ways:

    compose_to_weight(J):   dL/dw       = dL/dz_i  *  dz_i/dw           which goes to the optimiser
    compose_to_input(J):    dL/dz_(i-1) = dL/dz_i  *  dz_i/dz_(i-1)     the J of the previous layer

Shapes. Everything is done for a batch of samples at once: a layer maps (batch, inputs) to (batch, outputs), and
J is (batch, outputs): row b is the gradient of the loss *of sample b*. The samples of a batch stay separate until the
very end: the loss of a batch is the mean over its samples, and that mean is taken in `compose_to_weight`. (The one
exception is BatchNormalization in training, where every output depends on all samples: row b of the J that it passes on
is the gradient of the *sum* of all their losses with respect to sample b.)
"""

from abc import ABC, abstractmethod
from contextlib import contextmanager

import numpy as np


class Callable(ABC):
    """Something with a `forward` that is called like a function: layers, losses, metrics, encoders."""

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)

    @abstractmethod
    def forward(self, *args, **kwargs):
        """Compute the output."""


class Diffable(Callable):
    """A `Callable` that can be differentiated. A call inside a `GradientTape` is recorded on the tape.

    In `forward`, a subclass stores what its derivatives will need (usually `self.inputs` and `self.outputs`), and it
    defines `input_gradients`. One with weights also has `weights`, a list of arrays, and defines `weight_gradients`.
    The two `compose_to_...` methods then follow; a subclass may override them where a shorter formula is known.
    """

    gradient_tape = None  # the tape that is recording now, shared by all instances
    training = False  # whether Dropout and BatchNorm behave as in training; see `learning_phase`
    latest_shape = None  # of the input of the last call

    def __init__(self):
        super().__init__()
        self.trainable = True

    def __call__(self, *args, **kwargs):
        outputs = self.forward(*args, **kwargs)
        self.latest_shape = np.shape(args[0]) if args else None
        self.latest_tape = Diffable.gradient_tape  # the recording that its stored inputs belong to, or None
        if self.latest_tape is not None:
            self.latest_tape.record(self, [*args, *kwargs.values()], outputs)
        return outputs

    @abstractmethod
    def input_gradients(self):
        """Derivative of the output with respect to the input, at the input of the last call.

        (inputs, outputs) if the matrix is the same for every sample, (batch, inputs, outputs) if it is not;
        entry [i, o] is d output_o / d input_i. A loss returns (batch, inputs): its output is one number per sample. So
        does an elementwise layer: each matrix is diagonal, and only the diagonal is returned. As the definition of
        `compose_to_input` below expects whole matrices, such a layer has to override it, with `J * input_gradients()`.
        """

    def weight_gradients(self):
        """Derivatives of the output with respect to each of `weights`, in their order.

        Each broadcasts to the weight's shape (with a leading `batch` axis, if it has three dimensions), so that its
        product with J, whose outputs are along the last axis, is the gradient of the loss.
        """
        return ()

    def compose_to_input(self, J):
        """(batch, outputs) -> (batch, inputs): the gradient of the loss with respect to this layer's input.

        For one sample it is the matrix product `input_gradients() @ J[b]`; here it is done for the whole batch at once.
        Raises ValueError if the product has not the shape of the input, as when `input_gradients` returns diagonals.

        Beware: with as many samples in a batch as inputs, diagonals (batch, n) have the shape of one matrix (n, n).
        They are then taken for it, without an error, and the gradients are wrong.
        """
        gradients = self.input_gradients()
        product = (gradients @ J[..., None])[..., 0]  # (batch or 1, inputs, outputs) @ (batch, outputs, 1)
        shape = getattr(getattr(self, "inputs", None), "shape", self.latest_shape)  # what `forward` keeps comes first
        if shape is not None and product.shape != shape:
            raise ValueError(
                f"compose_to_input of {name(self)} should return its input's shape, {shape}, found {product.shape}: "
                f"input_gradients, here {gradients.shape}, should be (inputs, outputs) or (batch, inputs, outputs); "
                "an elementwise layer overrides compose_to_input to return J * self.input_gradients()"
            )
        return product

    def compose_to_weight(self, J):
        """(batch, outputs) -> [(weight's shape), ...]: the gradient of the batch's mean loss, for each weight."""
        grads = []
        for weight, gradients in zip(self.weights, self.weight_gradients(), strict=True):
            per_sample = gradients * J[:, None, :]  # (batch, weight's shape), or (batch, 1, outputs) for a vector
            grads.append(per_sample.mean(axis=0).reshape(weight.shape))
        return grads

    def compose(self, J):
        """Both of the above, for the backward pass: (gradients of the trainable weights, gradient of the input)."""
        grads = list(self.compose_to_weight(J)) if trainable_weights(self) else []
        return grads, self.compose_to_input(J)

    @property
    def variables(self):
        """All arrays of the layer's state, which saving keeps: the weights, and whatever a subclass adds."""
        return list(getattr(self, "weights", ()))

    @property
    def losses(self):
        """Penalties on the layer's weights, to be added to the loss (see `regularizers`)."""
        return []


class GradientTape:
    """Records the layers that are called within its scope; `gradient()` then walks back over them.

    They have to form a chain, in which each is given what the one before it returned: unlike TensorFlow's tape, this
    one sees no arithmetic in between, and nothing that is done to the loss.

    >>> with GradientTape() as tape:                            # doctest: +SKIP
    ...     loss = loss_fn(softmax(dense(x)), labels)
    ...     dw, db = tape.gradient()
    """

    def __init__(self):
        self._clear()
        self._around = None  # the tape that was recording before this one, and resumes after it

    def _clear(self):
        self.operations = []
        self.latest_outputs = None  # of the latest operation
        self._strays = []  # operations that were given something other than the outputs of the one before them
        self._spent = False

    def record(self, operation, arguments, outputs):
        """Note that `operation` was called with `arguments`, a list, and returned `outputs`."""
        if self.operations and not any(argument is self.latest_outputs for argument in arguments):
            self._strays.append(operation)
        self.operations.append(operation)
        self.latest_outputs = outputs

    def __enter__(self):
        if self._spent:  # entered again after gradient(): a new recording
            self._clear()
        if Diffable.gradient_tape is not self:  # else it was set by hand
            self._around, Diffable.gradient_tape = Diffable.gradient_tape, self
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        Diffable.gradient_tape, self._around = self._around, None

    def gradient(self):
        """[dW1, db1, dW2, ...]: the gradients of the trainable weights, in the order in which they were used.

        Raises RuntimeError if nothing was recorded, the last operation is not a loss, the operations are not a chain, a
        layer was called twice or again outside the scope (it remembers only its last input), or the gradient was
        already taken.
        """
        self._check()
        self._spent = True
        *layers, loss = self.operations
        while layers and not trainable_weights(layers[0]):
            del layers[0]
        if not layers:
            return []
        first, *others = layers  # the walk ends at `first`: nobody needs the gradient with respect to its input
        grads, J = backpropagate(others, loss.input_gradients())
        return list(first.compose_to_weight(J)) + grads

    def _check(self):
        if not self.operations:
            raise RuntimeError(
                "gradient() needs at least one operation on the tape, found none: "
                "call the layers and the loss, as in loss_fn(layer(x), y), inside `with GradientTape() as tape:`"
            )
        if self._spent:
            raise RuntimeError("gradient() was called twice on one tape: record the forward pass again first")
        recorded = list(_with_inner(self.operations))
        repeated = [name(layer) for i, layer in enumerate(recorded) if layer in recorded[:i]]
        if repeated:
            raise RuntimeError(
                f"{repeated[0]} was called twice on one tape, but it remembers one input only: "
                "make one layer for each place in the network"
            )
        gone_on = [name(layer) for layer in self.operations if layer.latest_tape is not self]
        if gone_on:
            raise RuntimeError(
                f"{gone_on[0]} was called again after this tape had recorded it, but it remembers its last input only: "
                "take the gradient first"
            )
        if self._strays:
            raise RuntimeError(
                f"{name(self._strays[0])} was not given what the operation before it on the tape had returned, but the "
                "tape can follow only a chain: make a layer of what happens in between, a SkipConnection of x + f(x)"
            )
        if np.ndim(self.latest_outputs) > 0:  # a loss returns one number
            raise RuntimeError(
                f"the last operation on the tape should be a loss, found {name(self.operations[-1])}: "
                "call it inside the scope, as loss_fn(y_pred, y_true), not loss_fn.forward(...)"
            )


def _with_inner(layers):
    """The layers, each followed by those it is made of."""
    for layer in layers:
        yield layer
        yield from _with_inner(getattr(layer, "layers", ()))


def backpropagate(layers, J):
    """Walk back over `layers`: from J at the last one's output to (all their gradients, J at the first one's input)."""
    grads = []
    for layer in reversed(layers):
        own, J = layer.compose(J)
        grads = own + grads
    return grads, J


def trainable_weights(layer):
    """The layer's weights if it has any and is trainable, else an empty list."""
    return list(getattr(layer, "weights", ())) if layer.trainable else []


def checked_layers(layers, whose):
    """`layers` as a list; raises ValueError if one of them is not a layer, such as a class instead of an object."""
    layers = list(layers)
    strangers = [repr(layer) for layer in layers if not isinstance(layer, Diffable)]
    if strangers:
        raise ValueError(f"a {whose} is made of layers (Diffable), found {', '.join(strangers)}")
    return layers


def checked_object(argument, given, method, example):
    """`given`; raises ValueError if it is no object with `method`: a class, a name as in Keras, or some other part."""
    if isinstance(given, type) or not callable(getattr(given, method, None)):
        raise ValueError(f"{argument} should be an object with {method}, such as {example}, found {given!r}")
    return given


def floating(inputs):
    """`inputs` as an array: integers become single precision, as in Keras; floating-point types are kept."""
    inputs = np.asarray(inputs)
    return inputs if np.issubdtype(inputs.dtype, np.floating) else inputs.astype(np.float32)


@contextmanager
def learning_phase(training):
    """A scope in which Dropout and BatchNorm behave as in training (True) or inference (False, the default outside)."""
    before = Diffable.training
    Diffable.training = training
    try:
        yield
    finally:
        Diffable.training = before


@contextmanager
def stop_recording():
    """A scope in which no tape records what is called, as TensorFlow's `tape.stop_recording()`."""
    before = Diffable.gradient_tape
    Diffable.gradient_tape = None
    try:
        yield
    finally:
        Diffable.gradient_tape = before


def name(layer):
    """The name of a layer in messages: its class."""
    return type(layer).__name__
