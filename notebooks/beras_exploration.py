# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   title: 'Beras, piece by piece: each beside the same in PyTorch'
# ---

# %% [markdown]
# Beras is a mimic of Keras in NumPy. This notebook builds a network from its pieces, in the order in which a student
# meets them, and sets each beside the same thing in PyTorch. Every comparison is an `assert`: the workflow runs the
# notebook from its first line to its last before it prints it, so what stands here holds.
#
# It runs on scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, which need no download. To run it by hand:
#
#     PYTHONPATH=models:models/beras_assignment python notebooks/beras_exploration.py

# %%
import Beras
import numpy as np
import torch
import torch.nn.functional as F
from assignment import SequentialModel
from Beras import schedules
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = images / 16  # in [0, 1], in double precision: what agrees then agrees to about 15 digits
print(images.shape, images.dtype, labels.shape, np.unique(labels))


def difference(ours, theirs):
    """The largest difference, relative to the largest entry; `theirs` may be a tensor."""
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else np.asarray(theirs)
    assert np.shape(ours) == theirs.shape, (np.shape(ours), theirs.shape)
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


# %% [markdown]
# ## Labels as vectors: one-hot
#
# A network's output is a vector, so a label has to be one too: class $k$ of $n$ is a row of zeros with a one at $k$.
# The encoder learns from the labels which ones there are.

# %%
encoder = Beras.OneHotEncoder()
encoder.fit(labels)
onehot = encoder(labels)
print(labels[:3], "->", *onehot[:3], sep="\n")
assert (onehot == F.one_hot(torch.tensor(labels)).numpy()).all()
assert (encoder.inverse(onehot) == labels).all()

# %% [markdown]
# ## A `Callable`: something that is used like a function
#
# Metrics, encoders, layers and losses all are. A class says what `forward` does, and an object of it is called.


# %%
class Accuracy(Beras.Callable):
    def forward(self, probs, labels):
        return (probs.argmax(axis=1) == labels.argmax(axis=1)).mean()


rng = np.random.default_rng(0)
guesses = rng.random((len(labels), 10))
print("guessing:", Accuracy()(guesses, onehot))
assert Accuracy()(guesses, onehot) == Beras.CategoricalAccuracy()(guesses, onehot)

# %% [markdown]
# ## A `Diffable`: it also knows its derivatives
#
# A layer remembers in `forward` what its derivatives will need. `input_gradients()` is the derivative of its output
# with respect to its input at that point: `[i, o]` is $\partial z_o/\partial x_i$. PyTorch's `jacobian` gives the
# transpose.


# %%
class Cube(Beras.Diffable):
    """z = x^3, entry by entry, of one sample."""

    def forward(self, inputs):
        self.inputs = inputs
        return inputs**3

    def input_gradients(self):
        return np.diag(3 * self.inputs**2)


cube, x = Cube(), np.array([1.0, -2.0, 0.5])
cube(x)
print(cube.input_gradients())
jacobian = torch.autograd.functional.jacobian(lambda t: t**3, torch.tensor(x))
assert difference(cube.input_gradients(), jacobian.T) < 1e-15

# %% [markdown]
# ## A dense layer, for a whole batch at once
#
# $z = xW + b$ maps a batch of $B$ samples, $(B, \mathrm{in})$, to $(B, \mathrm{out})$. Its derivative by the input
# is $W$, the same for every sample; by $W$ it is the input. PyTorch's `Linear` keeps $W$ transposed.

# %%
np.random.seed(0)
dense = Beras.Dense(64, 10, initializer="xavier")
dense.weights = [weight.astype(np.float64) for weight in dense.weights]  # they begin in single precision
linear = torch.nn.Linear(64, 10)
linear.weight.data, linear.bias.data = torch.tensor(dense.w.T.copy()), torch.tensor(dense.b)

x, y = images[:32], onehot[:32].astype(np.float64)
z = dense(x)
print(x.shape, "->", z.shape, "  derivative by the input:", dense.input_gradients().shape)
assert difference(z, linear(torch.tensor(x))) < 1e-14

# %% [markdown]
# The initial weights are drawn with a standard deviation that depends on the initialiser. They do not have to be the
# same numbers as those of PyTorch, but they have to have the same deviation.

# %%
torch.manual_seed(0)
init = torch.nn.init
PYTORCH = {"xavier": init.xavier_normal_, "kaiming": init.kaiming_normal_, "normal": init.normal_}
for initializer, fill in PYTORCH.items():
    ours = Beras.Dense(400, 300, initializer).w.std()
    theirs = fill(torch.empty(300, 400)).std().item()  # (out, in)
    print(f"{initializer:8} Beras {ours:.4f}   PyTorch {theirs:.4f}")
    assert abs(ours / theirs - 1) < 0.02

# %% [markdown]
# ## Activations
#
# LeakyReLU works entry by entry. Softmax does not: every probability depends on all scores of its sample, so its
# derivative is a matrix for each sample, $\mathrm{diag}(p) - pp^\top$.

# %%
leaky, softmax = Beras.LeakyReLU(0.3), Beras.Softmax()
assert difference(leaky(z), F.leaky_relu(torch.tensor(z), 0.3)) < 1e-15
p = softmax(z)
assert difference(p, F.softmax(torch.tensor(z), dim=1)) < 1e-14
jacobian = torch.autograd.functional.jacobian(lambda t: F.softmax(t, dim=0), torch.tensor(z[0]))
print("Jacobians of Softmax:", softmax.input_gradients().shape)
assert difference(softmax.input_gradients()[0], jacobian.T) < 1e-14
extreme = Beras.Softmax()(np.array([[1e4, -1e4, 0.0]]))
print("scores of +-10,000:", extreme)
assert np.isfinite(extreme).all()

# %% [markdown]
# ## A loss is where the way back begins
#
# `forward` gives one number, the mean over the batch. `input_gradients()` gives, row by row, the gradient of each
# sample's own loss. Beras's squared error is the *sum* over the outputs, so that $2(p - t)$ is its exact gradient;
# Keras and PyTorch take the mean over the outputs too, a tenth of that here.

# %%
squares, entropy = Beras.MeanSquaredError(), Beras.CategoricalCrossentropy()
p_torch, y_torch = torch.tensor(p), torch.tensor(y)
assert difference(squares(p, y), 10 * F.mse_loss(p_torch, y_torch)) < 1e-14
assert difference(entropy(p, y), F.nll_loss(p_torch.log(), y_torch.argmax(1))) < 1e-14
print("squared error", squares(p, y), "  cross-entropy", entropy(p, y))

# %% [markdown]
# Central finite differences are the check that needs no second library: nudge one output, see what the loss does.

# %%
nudge = 1e-6
for loss in (squares, entropy):
    up, down = p.copy(), p.copy()
    up[3, 3] += nudge
    down[3, 3] -= nudge
    slope = (loss(up, y) - loss(down, y)) / (2 * nudge) * len(p)  # of the sample's own loss
    loss(p, y)  # its gradient is that of the last call
    print(f"{type(loss).__name__:24} {slope:.8f}  {loss.input_gradients()[3, 3]:.8f}")
    assert abs(slope - loss.input_gradients()[3, 3]) < 1e-6

# %% [markdown]
# ## The tape, and the chain rule by hand
#
# Inside a `GradientTape` every layer that is called is noted. `gradient()` walks the list from its end. What it does
# can be written out for one dense layer, Softmax and a loss. The one array that is carried back is $J$:

# %%
with Beras.GradientTape() as tape:
    entropy(softmax(dense(x)), y)
    print("on the tape:", [type(operation).__name__ for operation in tape.operations])
    dw, db = tape.gradient()

J = entropy.input_gradients()  # (batch, 10): dL/dp of each sample
J = softmax.compose_to_input(J)  # (batch, 10): dL/dz
assert difference(J, p - y) < 1e-12  # after Softmax and cross-entropy together: p - t
assert difference(dw, x.T @ J / len(x)) < 1e-14  # the mean over the batch is taken here and nowhere else
assert difference(db, J.mean(axis=0)) < 1e-14

F.cross_entropy(linear(torch.tensor(x)), y_torch).backward()
print("difference to PyTorch:", difference(dw, linear.weight.grad.T), difference(db, linear.bias.grad))
assert difference(dw, linear.weight.grad.T) < 1e-13
assert difference(db, linear.bias.grad) < 1e-13

# %% [markdown]
# ## Optimisers
#
# They take the weights and their gradients, and change the weights in place. Gradient descent and RMSProp are
# PyTorch's to the last digits. Adam differs in where $\epsilon$ stands: Beras adds it, as Keras does, to the root of
# the second moment before that is corrected for its start at zero. The steps differ by about $\epsilon$ over the
# root, which is little.

# %%
PAIRS = {
    "gradient descent": (Beras.BasicOptimizer(0.1), lambda w: torch.optim.SGD(w, lr=0.1), 1e-14),
    "RMSProp": (Beras.RMSProp(0.01), lambda w: torch.optim.RMSprop(w, lr=0.01, alpha=0.9, eps=1e-6), 1e-13),
    "Adam": (Beras.Adam(0.01), lambda w: torch.optim.Adam(w, lr=0.01, eps=1e-7), 1e-4),
}
for title, (ours, make_theirs, tolerance) in PAIRS.items():
    w, target = np.zeros((4, 3)), rng.normal(size=(4, 3))
    w_torch = torch.zeros((4, 3), dtype=torch.float64, requires_grad=True)
    theirs = make_theirs([w_torch])
    for _ in range(100):  # both walk down |w - target|^2
        ours.apply_gradients([w], [2 * (w - target)])
        w_torch.grad = 2 * (w_torch.detach() - torch.tensor(target))
        theirs.step()
    print(f"{title:18} after 100 steps: {difference(w, w_torch):.1e}")
    assert difference(w, w_torch) < tolerance

# %% [markdown]
# ## A model
#
# `fit` runs all of this over the data in batches: forward, the tape, a step. The same network in PyTorch, from the
# same weights, goes the same way. (Dropout draws random numbers, so it is left out of this comparison.)

# %%
np.random.seed(1)
first, last = Beras.Dense(64, 32), Beras.Dense(32, 10, initializer="xavier")
model = SequentialModel([first, Beras.LeakyReLU(0.01), last, Beras.Softmax()])
for layer in (first, last):
    layer.weights = [weight.astype(np.float64) for weight in layer.weights]
model.compile(Beras.RMSProp(0.001), Beras.CategoricalCrossentropy(), Beras.CategoricalAccuracy())

nn = torch.nn
network = nn.Sequential(nn.Linear(64, 32), nn.LeakyReLU(0.01), nn.Linear(32, 10)).double()
for layer, twin in ((first, network[0]), (last, network[2])):
    twin.weight.data, twin.bias.data = torch.tensor(layer.w.T.copy()), torch.tensor(layer.b.copy())
optimizer = torch.optim.RMSprop(network.parameters(), lr=0.001, alpha=0.9, eps=1e-6)

train, test = slice(0, 1500), slice(1500, None)
history = model.fit(images[train], onehot[train], epochs=5, batch_size=50, verbose=False)
losses = []
for _ in range(5):
    for start in range(0, 1500, 50):
        batch = slice(start, start + 50)
        loss = F.cross_entropy(network(torch.tensor(images[batch])), torch.tensor(labels[batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

accuracy = model.evaluate(images[test], onehot[test], batch_size=50)["acc"][0]
print("loss by epoch:", np.round(history["loss"], 4), f"  test accuracy: {accuracy:.1%}")
apart = difference(np.array(model.batch_metrics["loss"]), losses)
print("difference to PyTorch over 150 steps:", apart)
assert apart < 1e-9
assert difference(model.predict(images[test]), F.softmax(network(torch.tensor(images[test])), dim=1)) < 1e-9

# %%
figure, axes = plt.subplots(figsize=(5, 2.2), layout="constrained")
axes.plot(losses, linewidth=3, color="0.8", label="PyTorch")
axes.plot(model.batch_metrics["loss"], linewidth=0.8, label="Beras")
axes.set(xlabel="step", ylabel="training loss")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Beyond the brief
#
# Dropout, batch normalisation, skip connections, penalties and schedules are pieces of the same kind. Two of them: a
# skip connection has the derivative $1 + f'$, and the tape needs to know nothing of it; a schedule is a function of
# the step.

# %%
np.random.seed(2)
inner = Beras.Dense(64, 64)
inner.weights = [weight.astype(np.float64) for weight in inner.weights]
skip = Beras.SkipConnection([inner, Beras.ReLU()])
skip(x)
x_torch = torch.tensor(x, requires_grad=True)
outputs = x_torch + F.relu(x_torch @ torch.tensor(inner.w) + torch.tensor(inner.b))
outputs.sum().backward()
assert difference(skip.compose_to_input(np.ones_like(x)), x_torch.grad) < 1e-13

schedule = schedules.CosineDecay(0.1, decay_steps=100)
theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, T_max=100)
for step in range(100):
    assert abs(schedule(step) - cosine.get_last_lr()[0]) < 1e-12
    theirs.step()
    cosine.step()
print("every piece agrees")
