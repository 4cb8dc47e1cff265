"""What Project 2's report must say, and what it must not, of which results of the study of the loss landscape."""

from tests.made_landscapes import records


def never_walked(cell, arrays):
    return {name: array for name, array in arrays.items() if "walk" not in name and "shift" not in name}


def bn_worse_along_the_gradient(cell, arrays):
    """The walk's quotients for the network with BN are a hundred times as large, so that the protocols disagree."""
    scale = 100 if cell["block"] == "bn" else 1
    return {name: scale * array if name == "walk_beta" else array for name, array in arrays.items()}


def bn_rougher_along_the_gradient(cell, arrays):
    """The walks and the covariate shift of the network with BN are a hundred times as large."""
    seen = ("walk_loss", "walk_gradient_distance", "walk_beta", "shift_l2")
    scale = 100 if cell["block"] == "bn" else 1
    return {name: scale * array if name in seen else array for name, array in arrays.items()}


def bn_worse_at_the_last_step(cell, arrays):
    """The last gradient of the network with BN is far from all before it, so that maxima contradict medians."""
    if cell["block"] == "bn":
        arrays["gradient_distance"][:, -1] *= 1000
    return arrays


def bn_depends_more_at_first(cell, arrays):
    """In the first steps the losses of the network with BN differ more between the rates."""
    if cell["block"] == "bn":
        arrays["train_loss"][:7] += 1000 * cell["lr"]
    return arrays


def of_one_lag(cell, arrays):
    return {**arrays, **{name: arrays[name][1:] for name in ("lags", "gradient_distance", "weight_distance")}}


# both networks, in both protocols, learn about equally well
EVEN = {"accuracies": {(name, block): 0.5 for name in ("adam", "sgd") for block in ("plain", "bn")}, "val_images": 1000}
SENTENCES = {
    # scenario: (net, landscape, what must be said, what must not)
    "runs that came equally far": (
        {},
        EVEN,
        [
            "are smaller with VGG-A BN: in the median step its loss depends less on the rate, in the runs of "
            "this one seed. Along",
            "the quotient grows as the steps get smaller: the largest over the rates tends to be that of the lowest, "
            "and is no bound on the smoothness of the loss.",
            "This agrees with \\citet{santurkar2018}, who find all three smaller with BN. The internal",
            "is smaller in all of the 3 layers with others before them: in these runs BN reduces it, as "
            "\\citet{ioffe2015} meant it to, though \\citet{santurkar2018} find that it need not.",
        ],
        ["equally far", "unequal", "guessing can"],
    ),
    "only the runs over learning rates are unequal": (
        {},
        EVEN | {"accuracies": EVEN["accuracies"] | {("adam", "plain"): 0.1}},
        [
            "The best run of VGG-A ended at",
            "; but as even their best runs have not come equally far, this is not about BN alone. Along",
            "who find all three smaller with BN. The internal",
            ": in these runs BN reduces it",
        ],
        ["depends less on the rate", "have not learned equally much", "what follows from the walks"],
    ),
    "the runs walked along have learned unequally in training": (
        {},
        EVEN | {"trained": {("sgd", "plain"): 0.25, ("sgd", "bn"): 0.406}},
        [
            r"VGG-A and VGG-A BN ended more than 10 points apart in training, at $25.0$\,\% and $40.6$\,\%: what "
            r"follows from the walks compares networks that have not come equally far",
            r"not learned equally much: that of VGG-A ended at $25.0$\,\% in training, and that of VGG-A BN at "
            r"$40.6$\,\%.",
            "as the runs walked along have not come equally far, it does not test their finding",
        ],
        ["even their best runs", "The best run of", "no higher than guessing can"],
    ),
    "the best run over the rates guesses in training": (
        {},
        EVEN | {"trained": {("adam", "plain"): 0.1}},
        [
            "The best run of VGG-A ended at $10.0$\\,\\% in training, no higher than guessing can, and that of VGG-A "
            "BN at",
            "as even their best runs have not come equally far, this is not about BN alone.",
        ],
        ["have not learned equally much"],
    ),
    "of two rates one diverged early": (  # a range takes two runs: that of the losses has 17 steps, the rest 40
        {},
        EVEN | {"diverged": {0, 3}, "found": [cell for cell in records() if cell["lr"] != 0.004]},
        [
            "over learning rates it is so too",
            r"On the range of losses these runs cannot tell whether they agree. On the gradient distance and the "
            r"effective $\beta$ they agree",
            r"compared with VGG-A, the gradient distance and the effective $\beta$ are smaller with VGG-A BN. Along "
            r"the",
        ],
        ["cannot tell how"],
    ),
    "walks that share few steps": (
        {},
        EVEN | {"every": 5},
        [
            "Along the gradient these runs cannot tell for which of VGG-A and VGG-A BN it is smaller: only 8 steps of "
            "both can be compared, fewer than 20.",
            "These runs cannot tell how VGG-A and VGG-A BN differ: only 8 steps of both can be compared, fewer than "
            "20.",
            r"On the range of losses, the gradient distance and the effective $\beta$ these runs cannot tell whether "
            r"they",
            "Nor does the cosine make up for runs that are too short to tell, as these are",
            r"depends less on the rate, in the runs of this one seed. Along the gradient these runs cannot tell how "
            r"VGG-A and VGG-A BN differ, so that the finding of \citet{santurkar2018}, a loss that is smoother with "
            r"BN, is not tested here: only 8 steps of both can be compared, fewer than 20.",
            "but as it was measured in the runs walked along, it does not test whether BN reduces it",
        ],
        ["This agrees with", "they agree:", "equally far", ": in these runs BN", "diverged"],
    ),
    "both walks diverged": (
        {},
        EVEN | {"diverged": {6, 7}},
        [
            "Of the runs whose gradients are walked along, that of VGG-A (at step 17) and that of VGG-A BN (at step "
            "17) diverged.",
            "it is smaller: that of VGG-A diverged at step 17 and that of VGG-A BN diverged at step 17.",
            "is not tested here: that of VGG-A diverged at step 17 and that of VGG-A BN diverged at step 17.",
        ],
        ["This agrees with", "That of", "In validation, of the runs", "its median is", ": in these runs BN"],
    ),
    "only the runs walked along are unequal": (
        {},
        EVEN | {"accuracies": EVEN["accuracies"] | {("sgd", "plain"): 0.3, ("sgd", "bn"): 0.41}},
        [
            "VGG-A and VGG-A BN ended more than 10 points apart: what follows from the walks compares",
            "its loss depends less on the rate, in the runs of this one seed.",
            "; but as it was measured in the runs walked along, it does not test whether BN reduces it",
        ],
        ["guessing can", "even their best runs", "The best run of"],
    ),
    "a run that passed by what it learned": (
        {},
        EVEN | {"accuracies": EVEN["accuracies"] | {("sgd", "plain"): 0.1}, "peaks": {("sgd", "plain"): 0.3}},
        [
            r"that of VGG-A peaked at $30.0$\,\% after 1 of 100 epochs and ended at $10.0$\,\%, and that of VGG-A BN "
            r"ended at its highest, $50.0$\,\%; guessing gives $10.0$\,\%, by chance up to $12.8$\,\%. That of VGG-A, "
            "unlike that of VGG-A BN, ended no higher than guessing can",
            r"that of VGG-A peaked at $30.0$\,\% after 1 of 100 epochs and ended at $10.0$\,\% in validation, no "
            "higher than guessing can, and that of VGG-A BN ended",
        ],
        ["reached only"],
    ),
    "a run at chance beside one that has just left it": (
        {},
        EVEN | {"accuracies": EVEN["accuracies"] | {("sgd", "plain"): 0.1, ("sgd", "bn"): 0.19}},
        ["That of VGG-A, unlike that of VGG-A BN, ended no higher than guessing can: what follows from the walks"],
        ["more than 10 points apart"],
    ),
    "penalties": (
        {},
        {"found": records(l2=1e-4)},
        ["over rates in one and along a line in the other, where it includes what the runs add to it. The gradients"],
        [],
    ),
    "options of the landscape": (
        {},
        {"found": records(clip=2, init="orthogonal", warmup_epochs=1)},
        [
            "augmentation: random crops after zero padding by an eighth of the size and horizontal flips. The "
            "initialisation is orthogonal \\citep{saxe2014}. The norm of the whole gradient is limited to 2. A warm-up "
            "multiplies the learning rate by a factor that rises linearly from 0 to 1 (epochs: 1). Runs of one seed",
        ],
        [],
    ),
    "the first steps are the other way round": (
        {},
        EVEN | {"change": bn_depends_more_at_first},
        ["its loss depends less on the rate, but more in the first ones, up to step 6, in the runs of this one seed."],
        [],
    ),
    "BN is rougher": (
        {},
        EVEN | {"change": bn_rougher_along_the_gradient},
        [
            r"Along the gradient the range of losses, the gradient distance and the effective $\beta$ are larger. This "
            r"does not show the smoothing of \citet{santurkar2018}, who find",
            "is smaller in none of the 3 layers with others before them: in these runs BN does not reduce it, and",
        ],
        ["agrees with", ": in these runs BN reduces it"],
    ),
    "every rate of a network diverged": (
        {},
        {"diverged": {0, 1, 2}},
        [
            r"best of its rates VGG-A BN reaches $60$\,\% in validation. No run of VGG-A over the rates finished. Over "
            "learning rates these runs cannot tell how VGG-A and VGG-A BN differ: the last of VGG-A diverged at step "
            "17.",
            "for VGG-A BN than for VGG-A; over learning rates these runs cannot tell.",
        ],
        ["the envelope goes on"],
    ),
    "a single lag": (
        {},
        {"change": of_one_lag},
        [
            "of steps $i$ and $i-k$: over the steps, from the least to the largest over the rates; and the quantiles "
            "of",
            "The largest gradient distance over the distance moved, from the least",
        ],
        ["all lags", "smallest lag"],
    ),
    "medians and maxima contradict each other": (
        {},
        {"change": bn_worse_at_the_last_step},
        [
            "For the gradient distance and the effective $\\beta$ over learning rates, median and maximum contradict "
            "each other: VGG-A has the larger median, but not the larger maximum. A maximum reflects one step of a "
            "run, the median half of them.",
        ],
        ["maximum. A maximum reflects one step of a run, the median half of them. For"],
    ),
    "a walk diverged": (
        {},
        {"diverged": {6}},
        [
            r"that of VGG-A BN ended at its highest, $60$\,\%; guessing gives $10$\,\%, by chance up to $19$\,\%. "
            "Of the runs whose gradients are walked along, that of VGG-A (at step 17) diverged.",
            "for VGG-A BN, over 9 and 20 steps (smaller with VGG-A BN",
            "These runs cannot tell how VGG-A and VGG-A BN differ: that of VGG-A diverged at step 17.",
            "is not tested here: that of VGG-A diverged at step 17.",
        ],
        ["points apart", "learned equally", "The run of", "This agrees with", "its median is"],
    ),
    "two widths": (
        {},
        {"found": records(width=0.5) + records(width=0.25), "diverged": {0}},
        [
            r"The highest validation accuracy of VGG-A, width 0.5 is $10$\,\%, at rate $2{\times}10^{-3}$, and of "
            r"VGG-A, width 0.25 is $10$\,\%, at rate $10^{-3}$, and of VGG-A BN, width 0.5 is",
            "VGG-A, width 0.5 at rate $10^{-3}$ diverged at step 17; the envelope",
            "That of VGG-A, width 0.5, unlike that of VGG-A BN, width 0.25, ended no higher than guessing can",
            "At the best of its rates VGG-A, width 0.5 reaches $10$",
            "The internal covariate shift of VGG-A BN, width 0.5,",
        ],
        ["No run of", "shift of VGG-A, width 0.25,", "shift of VGG-A BN, width 0.25,", "does not show the smoothing"],
    ),
    "a rate diverged": (
        {},
        EVEN | {"diverged": {0}},
        ["VGG-A at rate $10^{-3}$ diverged at step 17", "with VGG-A BN. Along the gradient the range"],
        ["depends less on the rate"],  # the reason may just be that the worst run has left the range
    ),
    "nothing probed": (
        {},
        {"change": never_walked},
        [
            "No step was probed in this run.",
            "only one of them has something to say",
            "Along the gradient there is nothing to compare, so that the finding",
        ],
        [
            "they agree",
            "\\gradfigure{walks}",
            "\\gradfigure{covariate_shift}",
            "Along the gradient its median",
            "who find all three",
            "internal covariate shift of VGG-A BN",
        ],
    ),
    "protocols disagree": (
        {},
        {"change": bn_worse_along_the_gradient},
        [
            r"On the effective $\beta$ they disagree: in the median, VGG-A lies above VGG-A BN over learning rates and "
            "below it along the gradient.",
            "Along the gradient its median is larger for VGG-A BN than for VGG-A; over learning rates it is smaller.",
            r"Along the gradient the effective $\beta$ is larger, the range of losses and the gradient distance are "
            "smaller. This agrees only in part with",
        ],
        [r"On the effective $\beta$ they agree"],
    ),
    "a surface": (
        {},
        {"surface": True},
        [
            "Loss surfaces",
            r"The runs are those by Adam \citep{kingma2015} at rate $10^{-3}$, with the weights of the epoch of "
            r"highest validation accuracy; the loss is the mean over 90 training images, at $9\times9$ points of "
            r"the plane to $\pm1$.",
            "For VGG-A the loss in the centre is $0.500$, and 5 of the 9 points lie below",
            r"Figures~\ref{fig:surface_lines}, \ref{fig:surface_contours} and \ref{fig:surface_3d}). The runs",
            "Two random directions do not show",
        ],
        ["The loss around it", "as Section~"],
    ),
    "surfaces of both studies": (
        {"surface": True},
        {"surface": True},
        [
            r"\textbf{The loss around it.} \citet{li2018} look at",
            r"(Figures~\ref{fig:net/figures/surface_lines}, \ref{fig:net/figures/surface_contours} and",
            "For CIFAR-NET BN+RC the loss in the centre is $0.500$.",
            r"\ref{fig:surface_3d} look at the loss around trained weights as Section~\ref{sec:insight} does. The runs",
        ],
        [],
    ),
}
