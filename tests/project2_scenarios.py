"""What Project 2's report must say, and what it must not, of which results of its two studies."""

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
    "as made": (
        {},
        {},
        [
            "Demonstration run.",
            "None of the numbers is from the project's data set",
            "Chosen by validation accuracy, CIFAR-NET BN+RC with width 2 (6,400 parameters) reaches",
            "Validation accuracy is higher with width 2 ($80.0$",
            "It is lower with width 0.5",
            "Validation accuracy is lower with focal",
            r"These seeds could show no difference for Muon ($70.0$\,$\pm$\,4.1\,\%) and own Adam",
            "Muon \\citep{jordan2024muon} makes",
            "A level called \\emph{own} is this project's implementation of the rule",
            "Among the levels is Adam \\citep{kingma2015}.",
            "A penalty (L2) is added to the loss of some levels. Focal loss \\citep{lin2017}, with $\\gamma=2$, gives",
            "number of levels of its factor (\\dag\\ in the tables).",
            "In validation, of the runs whose gradients are walked along, that of VGG-A ended at its highest, "
            r"$10$\,\%, and that of VGG-A BN ended at its highest, $60$\,\%; guessing gives $10$\,\%, by chance up to "
            r"$19$\,\%. That of VGG-A, "
            "unlike that of VGG-A BN, ended no higher than guessing can: what follows from the walks compares networks "
            "that have not come equally far",
            r"Of its runs, the one with the highest validation accuracy is "
            r"\texttt{cifar\_net-\allowbreak{}bn\_rc-\allowbreak{}width2-\allowbreak{}digits",
            "has the highest mean validation accuracy",
            "These are means; between neighbours on the line the seeds may show no difference.",
            "the star is the base, the line joins",
            "over the steps for the smallest lag, from the least to the largest over the rates; and for all lags.}",
            "over the distance moved, over all lags, from",
            "\\clearpage\\fi \\makeatother",
            "Sizes go from 400 parameters (width 0.5) to 6,400 (width 2).",
            r"The highest accuracy of a class is $100.0$\,\% (9 classes), the lowest $50.0$\,\% (\emph{class 3}, 10 "
            "images;",
            r"The mistakes (Figure~\ref{fig:confusion}) are \emph{class 3} taken for \emph{class 5} (5).",
            "intervals overlap: these images may be too few to tell which is harder",
            "$10.0$ seconds in all",
            "time per epoch (s; it depends on what else the machine computed)",
            "cost or less. Times depend on what else the machine computed.}",
            "no setting is more accurate than width 0.5, base, L2 0.0005, Muon, own Adam and width 2 (by parameters)",
            "they agree: in the median, VGG-A lies above VGG-A BN.",
            r"their ratio, the effective $\beta$, is small. Along the gradient its median is smaller for VGG-A BN "
            "than for VGG-A; over learning rates it is so too.",
            "Compared with VGG-A, the median distance of VGG-A BN is smaller in all of the 3 layers that have others "
            "before them; its median cosine is nearer to 1 in all of them.",
            r"s1234567 \\{\small No link to code, data or weights was given.} }",
            r"\emph{made}: in the first part 90 training images of $8\times8$ pixels, 100 epochs and 3 seeds; in "
            r"Section~\ref{sec:landscape}, 90 of $32\times32$ pixels, 100 epochs and 1 seed. None of them",
            r"They are drawn from $8\times8$ pixels in grey, enlarged and repeated in three channels",
            "larger for VGG-A at 39 of the 40 steps that both have",
            "varies one factor at a time around it (width, loss and optimiser) in 21 runs",
            "these numbers cannot be compared with each other. Their verdicts can.",
            r"reaches $81$\,$\pm$\,1\,\% (an error of $19$\,$\pm$\,1\,\%) on the test images",
            r"trains for 5 epochs of $2.00$\,$\pm$\,0.00\,s, at this pace $10.0$ seconds in all",
            "Between them are, without weights: a $2\\times2$ max-pool",
            "before a pair's second activation, the sum with the pair's input; the mean over the positions",
            r"have not learned equally much: that of VGG-A ended at its highest, $10$\,\% in validation, no higher "
            r"than guessing can, and that of VGG-A BN ended at its highest, $60$\,\%.",
            "The run of VGG-A ended at",
            r"What is said about the walk along the gradient concerns the unequal runs of Section~\ref{sec:walk}.",
            "Nor does the cosine make up for runs that have not come equally far",
            r"has a test error of $19$\,$\pm$\,1\,\% with 6,400 parameters. A difference from the base could be "
            "shown for levels of width and loss, and of no other factor.",
            r"At the best of its rates VGG-A reaches $10$\,\% and VGG-A BN reaches $60$\,\% in validation. Over "
            "learning rates, in the median and compared with VGG-A, the range of losses, the gradient distance and the "
            r"effective $\beta$ are smaller with VGG-A BN; but as even their best runs have not come equally far, this "
            "is not about BN alone. Along the gradient "
            r"the range of losses, the gradient distance and the effective $\beta$ are smaller. This agrees with "
            r"\citet{santurkar2018}, who find all three smaller with BN; but as the runs walked along have not "
            "come equally far, it does not test their finding.",
            r"The best run of VGG-A ended at its highest, $10$\,\% in validation, no higher than guessing can, and",
            "is smaller in all of the 3 layers with others before them; but as it was measured in the runs walked "
            r"along, it does not test whether BN reduces it, as \citet{ioffe2015} meant it to, or need not, as",
        ],
        [
            "For orientation",
            "Loss surfaces",
            "they disagree",
            "There are none among these images",
            "diverged",
            "dropout before",
            "srivastava2014",
            "nair2010",
            "The network has 4 stages",  # its parameters are not those of the made cells
            "points below the validation accuracy",
            "smoothed labels",
            "An epoch takes",
            "seeds of the same setting",
            "all multiplied by a factor",
            "the learning rate rises",
            "depends less on the rate",
            ": in these runs BN reduces it",
        ],
    ),
    "runs that came equally far": (
        {},
        EVEN,
        [
            "are smaller with VGG-A BN: in the median step its loss depends less on the rate, in the runs of "
            "this one seed. Along",
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
    "the shapes are known": (
        {"true_size": True, "dropout": 0.1},
        {},
        [
            "The network, and why it looks like this}",
            "The network has 4 stages.",
            "as matrix units multiply them. (iv)~Residual connections",
            "needs weights of its own. (v)~BN \\citep{ioffe2015} after every convolution replaces its bias. (vi)~The "
            "last",
            "The number of filters of every layer is multiplied by a factor; weights grow with its square.",
        ],
        ["The network is CIFAR-NET", "Dropout \\citep{srivastava2014} leaves"],
    ),
    "the shapes are known, and the block is plain": (
        {
            "true_size": True,
            "block": "plain",
            "factors": {"what": [{"activation": ["relu", "gelu"]}, {"block": ["bn", "bn_rc"]}, {"dropout": 0.1}]},
        },
        {},
        [
            "as matrix units multiply them. (iv)~The last features are",
            "The activation function follows every convolution. Batch normalisation and residual connections are taken "
            "out of the network or put in.",
            "Dropout \\citep{srivastava2014} leaves out features of the last layer at random while training.",
        ],
        ["(v)", "Residual connections \\citep{he2016}", "residual branch"],
    ),
    "another network": (
        {
            "model": "vgg_a",
            "block": "bn",
            "l2": 1e-3,
            "clip": 1,
            "init": "xavier",
            "optimizer": "own_adam",
            "loss": "focal",
            "dropout": 0.5,
            "factors": {
                "width": {"width": [0.5, 1]},
                "activation": {"activation": ["relu", "gelu"]},
                "loss": {"loss": ["focal", "cross_entropy"]},
                "optimizer": {"epochs": [100, 50]},
                "parts": {"dropout": [0.1, 0.5]},
                "blocks": {"block": ["bn", "plain"]},
            },
        },
        {},
        [
            "\\section{The network}",
            "The network is VGG-A BN. Table~\\ref{tab:structure} lists the layers that it has in the setting chosen in",
            "on a CPU. The initialisation is uniform with the variance of \\citet{glorot2010}. Half the sum of the "
            "weights' squares times $10^{-3}$ is added to the loss. The norm of the whole gradient is limited to 1. "
            "All",
            "The width is a factor on the network's number of filters.",
            "Dropout \\citep{srivastava2014} leaves out features at random while training.",
            "Batch normalisation is taken out of the network or put in.",
        ],
        [
            "and why it looks like this",
            "depthwise",
            "are options of the network",
            "weights grow with",
            "A penalty (L1",
            "follows every convolution",
            "which was not tuned",
            "A level called",
            "residual connections are",
        ],
    ),
    "one of two penalties is varied": (
        {"l1": 1e-5, "factors": {"penalty": {"l2": [0, 1e-3]}, "rule": {"optimizer": ["adam", "sgd"]}}},
        {},
        [
            "Here what is minimised is varied. Accuracies can be compared between the levels, losses cannot. A penalty "
            "(L2) is added to the loss of some levels.",
            "All optimisers have the base's rate, which was not tuned: what is compared is the optimiser with that "
            "rate.",
        ],
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
    "links": (
        {
            "author": {
                "author": "Li Hua, 22307130001",
                "code_url": "https://example.org/a_b?c=%20#d",
                "weights_url": "https://example.org/w",
            }
        },
        {},
        [
            r"\urldef{\codelink}\url{https://example.org/a_b?c=%20#d}",
            r"\author{Li Hua, 22307130001 \\{\small Code: \codelink} \\{\small Weights: \weightslink}",
            "No link to data was given.",
            "Of its runs, the one with the highest validation accuracy, whose weights are meant by the link on the "
            "first page, is",
        ],
        ["s1234567", "code\\_url"],
    ),
    "the test is harder": (
        {"lost": 0.05},
        {},
        ["That is 5.0 points below the validation accuracy of the same weights: choosing setting and epoch"],
        [],
    ),
    "smoothed labels and a warm-up": (
        {"loss": "label_smoothing", "schedule": "linear", "warmup_epochs": 1},
        {},
        [
            "which smoothed labels keep above $0.500$;",
            r"the learning rate rises to a peak of about $9.9{\times}10^{-4}$ in the first epoch, then falls on a "
            r"straight line, from $10^{-3}$ at the start of the run to $2{\times}10^{-5}$ at its end;",
        ],
        ["all multiplied"],
    ),
    "another schedule with a warm-up": (
        {"schedule": "cosine", "warmup_epochs": 1},
        {},
        ["once per epoch \\citep{loshchilov2017}, all multiplied by a factor that rises linearly from 0 to 1 in"],
        ["the learning rate rises"],
    ),
    "the first steps are the other way round": (
        {},
        EVEN | {"change": bn_depends_more_at_first},
        ["its loss depends less on the rate, but more in the first ones, up to step 6, in the runs of this one seed."],
        [],
    ),
    "other functions and dropout": (
        {"activation": "gelu", "dropout": 0.1},
        {},
        [r"; activation GELU \citep{hendrycks2016}; dropout \citep{srivastava2014} of 0.1;"],
        ["nair2010", "mirror image"],
    ),
    "test-time augmentation": (
        {"tta": "flip"},
        {},
        ["An image that it is not trained on is classified together with its mirror image, by the mean of their"],
        [],
    ),
    "one mistake": (
        {"mistakes": {(3, 5): 1}},
        {},
        [
            r"It classifies 99 of them correctly ($99.0$",
            r"The mistake (Figure~\ref{fig:confusion}) is \emph{class 3} taken for \emph{class 5} (1).",
        ],
        ["most frequent"],
    ),
    "mistakes of many pairs": (
        {"mistakes": {(3, 5): 3, (4, 6): 2, (5, 7): 2, (6, 8): 1}},
        {},
        [r"Of the 8 mistakes (Figure~\ref{fig:confusion}), the most frequent are \emph{class 3} taken"],
        ["(1)."],
    ),
    "mistakes of many pairs alike": (
        {"mistakes": {(3, 5): 2, (4, 6): 1, (5, 7): 1, (6, 8): 1}},
        {},
        [r"Of the 5 mistakes (Figure~\ref{fig:confusion}), among the most frequent are \emph{class 3} taken"],
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
    "every level of a factor diverged": (
        {
            "diverged": [
                f"cifar_net-bn_rc-{name}digits-lr0.001-seed{seed}"
                for name in ("", "width0.5-", "width2-")
                for seed in range(3)
            ],
            "chosen": "1",
        },
        {},
        [
            "3 of 3 runs with width 2 diverged",
            "The base, width 1, diverged from every seed, and nothing can be compared with it",
        ],
        ["Sizes go from", "has --", "takes --", "the star is"],
    ),
    "CIFAR-10": (
        {"title": "CIFAR-10", "embedded": False},
        {"title": "CIFAR-10", "embedded": False},
        [
            "For orientation, as published elsewhere and not measured here: ",
            "krizhevsky2009",
            " Of its training images, 1,000, taken",
        ],
        ["Demonstration run", "None of the numbers is from", "a part of the training", "a random part"],
    ),
    "only one part is a demonstration": (
        {"title": "CIFAR-10", "embedded": False},
        {},
        [
            r"\textbf{In part a demonstration run.} What is said of the loss landscape (Section~\ref{sec:landscape})",
            r"comes with the software, \emph{made}, and says nothing",
        ],
        ["None of them is from", "None of the numbers is from"],
    ),
    "CIFAR-10 cut to a CPU": (
        {"title": "CIFAR-10", "embedded": False, "train_items": 90},
        {"title": "CIFAR-10", "embedded": False},
        [
            "in 21 runs on a part of the training images, 90 of them.",
            " a random part of the others, 90, for training;",
            "not measured here, after training on all 50,000 images: ResNet-110",
        ],
        [],
    ),
    "some of the runs are cut": (
        {"factors": {"items": {"train_items": 50}}},
        {},
        [
            "and the others, 90, or in some of the runs a random part of them, for training;",
            "in 6 runs. Chosen by",
        ],
        ["a random part of the others"],
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
            "For the gradient distance over learning rates, median and maximum contradict each other: ",
            "For the effective $\\beta$ over learning rates, median and maximum contradict each other: VGG-A has the "
            "larger median, but not the larger maximum. A maximum reflects one step of a run, the median half of them.",
        ],
        ["maximum. A maximum reflects one step of a run, the median half of them. For"],
    ),
    "the second part reads the same test images": (
        {},
        {},
        ["which were read for none of the other settings.", "after the choice and for none of the other settings, is"],
        ["for it alone", "this setting alone"],
    ),
    "one seed": (
        {"seeds": (1,)},
        {},
        [
            "With one seed the spread between repetitions is unknown",
            "Without a spread to judge them by, the runs made have reached: width 0.5 ($60.0$",
            "has the highest validation accuracy, ",
            "These are single runs; with other seeds, neighbours on the line may come in another order.",
            "in all, on a CPU. Its run is ",
        ],
        [
            "Validation accuracy is higher with",
            "is lower with",
            "These seeds could show",
            "these seeds could show",
            "These are means",
            "highest mean",
        ],
    ),
    "the base is chosen": (
        {"chosen": "1"},
        {},
        ["Of all settings, CIFAR-NET BN+RC, the base itself, has"],
        ["CIFAR-NET BN+RC with width 2"],
    ),
    "no mistakes": (
        {"mistakes": {}},
        {},
        ["There are none among these images", "there is no wrong prediction to show"],
        ["the most frequent", "crosses: classified wrong", "Below: the wrong predictions"],
    ),
    "a class all wrong": (
        {"mistakes": {(3, 5): 10}},
        {},
        ["lowest $0.0$\\,\\% (\\emph{class 3}, 10 images;", "intervals lie apart"],
        ["intervals overlap"],
    ),
    "a level diverged": (
        {"diverged": ("cifar_net-bn_rc-width2-digits-lr0.001-seed0",)},
        {},
        ["1 of 3 runs with width 2 diverged, the earliest at step 17"],
        [],
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
        ],
        [],
    ),
}
