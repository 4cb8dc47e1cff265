"""What Project 2's report must say, and what it must not, of which results of its study of a network, or of both."""

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
            "A penalty (L2) is added to the loss of some levels; recorded losses are without it. Focal loss "
            "\\citep{lin2017}, with $\\gamma=2$, gives",
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
            "Of all settings, CIFAR-NET BN+RC with width 2 has",
            "over the steps for the smallest lag, from the least to the largest over the rates; and for all lags.}",
            "over the distance moved, over all lags, from",
            "\\forwaiting{\\clearpage} \\makeatother",
            r"{Loss: what Table~\ref{tab:ablation-width} gives for width.",
            "on the augmented training images, while the weights change, and",
            "Sizes go from 400 parameters (width 0.5) to 6,400 (width 2).",
            r"The highest accuracy of a class is $100.0$\,\% (9 classes), the lowest $50.0$\,\% (\emph{class 3}, 10 "
            "images;",
            r"The mistakes (Figure~\ref{fig:confusion}) are \emph{class 3} taken for \emph{class 5} (5).",
            "intervals overlap: these images may be too few to tell which is harder",
            "$10.0$ seconds in all",
            "time per epoch (s; it depends on what else the machine computed)",
            "the line joins those that no other beats at the same cost or less. Only names that find room are given, "
            "those on the line first. Times depend on what else the machine computed.}",
            "no setting is more accurate than width 0.5, base, L2 0.0005, Muon, own Adam and width 2 (by parameters)",
            r"(Figure~\ref{fig:filters}) go from $5.20$ to $41.6$. Of the squares of its weights, $1.2$\,\% lie in the "
            "mean over the positions of each channel, an even patch; of independent weights of mean zero and one "
            r"variance, $11.1$\,\% would on average. In what the three channels have in common lie $100.0$\,\%, "
            r"against $33.3$\,\% of independent weights; the rest, their differences, sees colour",
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
            "The loss around it",
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
            "Here what is minimised is varied. A penalty (L2) is added to the loss of some levels; recorded losses are "
            "without it.",
            "All optimisers have the base's rate, which was not tuned: what is compared is the optimiser with that "
            "rate.",
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
    "other functions and dropout": (
        {"activation": "gelu", "dropout": 0.1},
        {},
        [r"; activation GELU \citep{hendrycks2016}; dropout \citep{srivastava2014} of 0.1;"],
        ["nair2010", "mirror image"],
    ),
    "augmentation": (
        {"factors": {"augmentation": [{"augmentation": ["crop+flip", "crop+flip+cutout", "crop+flip+trivial"]}]}},
        {},
        [
            r"Here what is done at random to training images is varied. Cutout \citep{devries2017} puts a grey square "
            r"over a part of each. TrivialAugment \citep{mueller2021} applies one random operation of random strength",
        ],
        [],
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
    "one seed of every setting diverged": (
        {
            "factors": {"width": {"width": [0.5, 1]}},
            "diverged": [f"cifar_net-bn_rc-{name}digits-lr0.001-seed1" for name in ("", "width0.5-")],
            "chosen": "1",
        },
        {},
        ["sets accuracy against cost. Of every setting a run diverged, so none is on the line."],
        ["no setting is more accurate than", "second list"],
    ),
    "CIFAR-10": (
        {"title": "CIFAR-10", "embedded": False},
        {"title": "CIFAR-10", "embedded": False},
        [
            "For orientation, as published elsewhere and not measured here: ",
            "krizhevsky2009",
            " Of its training images, 1,000 (taken",
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
            " 90 of the others (a random part) for training;",
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
        ["of the others (a random part)"],
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
    "two seeds": (
        {"seeds": (0, 1)},
        {},
        [
            "Fewer than 3 seeds say too little of the spread to call a level higher or lower than the base",
            "These seeds could show no difference for",
            "For no level of any factor could these seeds show a difference",
        ],
        ["Validation accuracy is higher with", "is lower with", "Student's", "only large differences"],
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
        [
            "1 of 3 runs with width 2 diverged, the earliest at step 17",
            "Of all settings of which no seed diverged, CIFAR-NET",
            "the line joins those, without a diverged seed, that no other beats",
            "no setting of which no seed diverged is more accurate than",
        ],
        [],
    ),
}
