"""What the report of cw2 must say, and what it must not, of which results."""

from tests.made_reports import ACCURACY

SENTENCES = {
    # scenario: (study, what must be said, what must not)
    "deep at chance": (
        {},
        [
            "It is a failure of optimisation",
            "stays at the accuracy of guessing",
            "validation images. Lines are means over 3 seeds, bands one standard deviation to either side.",
            "by about $14.3$ orders if pooling costs it nothing, and by $15.5$ if that averages independent",
            "of the rest, here from $n=2$ or $3$ on, as pooling costs much or nothing. A failure",
            "The recorded gradients locate the cause: in the first epoch",
        ],
        ["is \\emph{not} seen", "does not train either"],
    ),
    "deep trains": (
        {"chance": (), "final": {"plain": 0.5}},
        ["is \\emph{not} seen here", "learned without help", "VGG38 already learns; with each remedy it does too."],
        [
            "stays at the accuracy of guessing",
            "Why training does not recover",
            "lifts VGG38 off chance",
            "diagnoses one such failure",
        ],
    ),
    "deep trains worse": (
        {"chance": (), "final": {"plain": 0.3}},
        ["the degradation of \\citet{he2016}"],
        ["is \\emph{not} seen", "not a lack of capacity"],
    ),
    "deep ends higher, from one seed": (
        {"chance": (), "final": {"plain": 0.3}, "seeds": (0,)},
        [
            "ends at a training loss of $2.40$ against $2.16$; one seed cannot tell whether it trains worse",
            "which would be the degradation of \\citet{he2016}, cannot be told from one seed",
            "looks for such a failure",
        ],
        ["not overfitting but", "higher training loss (", "diagnoses one such failure", "not seen"],
    ),
    "two seeds": (
        {"seeds": (0, 1)},
        [
            "excludes 0, from 3 seeds or more, with the p-values",
            "VGG38 BN+RC ($60.0$\\,$\\pm$\\,0.1\\,\\%) shows no difference from VGG38 BN",
            ", but fewer than 3 seeds are too few to conclude from)",
        ],
        ["not significant after", "The two together beat", "from one seed"],
    ),
    "deep at chance, from one seed": (
        {"seeds": (0,)},
        ["stays at the accuracy of guessing", "It is a failure of optimisation", "diagnoses one such failure"],
        ["whether it trains worse", "an even profile alone does not decide"],
    ),
    "deep diverges": (
        {"chance": (), "diverged": (("vgg38", "plain"),)},
        ["VGG38 diverged at step 7", "Yes: VGG38 learns with every remedy tested."],
        ["is \\emph{not} seen", "off chance"],
    ),
    "one remedy, and one network beside it": (
        {"blocks": ("plain", "bn_rc"), "apart": 0.09},
        [
            "Validation accuracy: VGG38 BN+RC at",
            "The other network that learns, which nobody chose, falls as much (9.0",
        ],
        ["In order of", "The other networks"],
    ),
    "BN above RC": ({}, ["VGG38 BN ($50.0$\\,$\\pm$\\,0.2\\,\\%) lies 5.0 percentage points above VGG38 RC"], []),
    "BN below RC": (
        {"final": {"rc": 0.55}},
        ["VGG38 BN ($50.0$\\,$\\pm$\\,0.2\\,\\%) lies 5.0 percentage points below VGG38 RC"],
        [],
    ),
    "BN as RC": (
        {"final": {"rc": 0.501}},
        ["shows no difference from VGG38 RC ($50.1$\\,$\\pm$\\,0.2\\,\\%) that these seeds could detect"],
        ["VGG38 BN ($50.0$\\,$\\pm$\\,0.2\\,\\%) lies"],
    ),
    "wide spread": (
        {"spread": 0.02},
        [
            "that these seeds could detect (95\\,\\% interval $",
            "the 95\\,\\% interval of their difference",
            ", uncorrected; not significant after Holm's correction, $p=",
        ],
        ["beat either", "lies 5.0 percentage points above VGG38 RC"],
    ),
    "both best": (
        {},
        ["The two together beat either of them alone: each gives what", "and the two together.", ", and test them: in"],
        ["does not include", "some of this"],
    ),
    "both above the one with the better mean, not shown above the one whose seeds lie far apart": (
        {"chance": (("vgg38", "plain"), ("vgg38", "rc", 1e-3, 0), ("vgg38", "rc", 1e-3, 1))},
        ["; VGG38 BN+RC shows no difference from VGG38 RC that these seeds"],
        ["beat either of them"],
    ),
    "both worse": (
        {"final": {"bn_rc": 0.4}},
        [
            "percentage points below VGG38 BN ($50.0$\\,$\\pm$\\,0.2\\,\\%) (95\\,\\% interval $9.1$ to $10.9$)",
        ],
        ["beat either of them"],
    ),
    "single seed": (
        {"seeds": (0,)},
        [
            "With one seed the spread between repetitions is unknown",
            "ended 5.0 percentage points above VGG38 RC ($45.0$\\,\\%); ",
            "One seed cannot tell whether any of this holds.",
            "end from VGG08 ($42.0$\\,\\%): VGG38 BN $+8.0$ points (one seed); VGG38 RC $+3.0$ points (one seed);",
            "rests on one seed",
        ],
        ["standard deviation over", "bands", "over 1 seed", "$\\pm$", "beat either", "is better", "lies 5.0"],
    ),
    "no BN": (
        {"blocks": ("plain", "rc", "bn_rc")},
        [
            "This study says nothing about BN, which",
            "and the two together; this study does not include BN.",
            "should help, and test some of this: in validation",
        ],
        ["VGG38 BN ", "beat either"],
    ),
    "no remedy works": (
        {"chance": [("vgg38", block) for block in ACCURACY]},
        ["None of those tested does", "no remedy tested in this run"],
        ["with every remedy tested"],
    ),
    "a remedy diverges": (
        {"diverged": (("vgg38", "rc"),)},
        [
            "VGG38 RC: 3 of 3 runs diverged (at step 7 at the earliest)",
            "Some do, namely those of VGG38 BN and VGG38 BN+RC",
        ],
        ["lies 5.0 percentage points above VGG38 RC", "with every remedy tested"],
    ),
    "unknown block": (
        {"blocks": (*ACCURACY, "my_block"), "final": {"my_block": 0.7}},
        ["Beyond the remedies of the brief, VGG38 MY+BLOCK", "lies 10.0 percentage points above VGG38 BN+RC"],
        [],
    ),
    "one rate": ({}, ["ran at one learning rate"], ["Per block the best rate", "at its best setting"]),
    "deep trains as well": (
        {"chance": (), "final": {"plain": 0.4195}},
        ["is \\emph{not} seen here"],
        ["degradation of"],
    ),
    "three rates": (
        {"lrs": (1e-3, 1e-2, 1e-1)},
        [
            "for BN $\\eta=10^{-3}$ (2.0 points over $10^{-2}$)",
            "BN, which should allow longer steps",
            "0.2\\,\\%), each at its best setting: VGG38 BN $+",
        ],
        ["ran at one learning rate"],
    ),
    "two rates, one seed": (
        {"lrs": (1e-3, 1e-2), "seeds": (0,)},
        ["for BN $\\eta=10^{-3}$ (2.0 points over $10^{-2}$, from one seed)"],
        ["BN, which should allow longer steps", "better rate"],
    ),
    "demo": ({"embedded": True, "title": "digits (scikit-learn)"}, ["\\titlenotice{\\textbf{Demonstration run.}"], []),
    "scikit-learn's digits, enlarged": (
        {"embedded": True, "title": "digits (scikit-learn)", "datasets": [{"source": "digits"}]},
        [
            "training images of $8\\times8$ grey pixels, enlarged to $16\\times16$; 10 classes, 3 epochs",
            "10 classes, images of $8\\times8$ grey pixels, enlarged to $16\\times16$;",
        ],
        [],
    ),
    "full": (
        {"title": "CIFAR-100"},
        ["\\citep{krizhevsky2009}", "10 classes, images of $16\\times16$ pixels; 1,250 for training,"],
        ["Demonstration run", "grey", "study this on a part", "a random part"],
    ),
    "shallow diverges": (
        {"diverged": (("vgg08", "plain"),)},
        ["The training of VGG08 diverged at step 7", "has no finished run of VGG08 to be compared with"],
        ["VGG08, with", "the shallow network", "--"],
    ),
    "shallow diverges, deep trains": (
        {"chance": (), "diverged": (("vgg08", "plain"),)},
        ["which learns in this run.", "learned without help, to $40.0$\\,$\\pm$\\,0.2\\,\\% validation accuracy."],
        ["not seen", "--"],
    ),
    "all of a remedy diverges, the others fail": (
        {"chance": [("vgg38", block) for block in ACCURACY], "diverged": (("vgg38", "rc"),)},
        ["None of those tested does: those that finished stay at chance"],
        ["all stay at chance"],
    ),
    "all deep networks diverge": (
        {"diverged": [("vgg38", block) for block in ACCURACY]},
        ["No remedy gave a finished run", "The best network by validation accuracy is VGG08"],
        ["an even profile alone does not decide", "locate the cause"],
    ),
    "level at the ends alone": (
        {"dips": ("rc",)},
        [
            "level with the last's ($0.0$\\,$\\pm$\\,0.0) for RC",
            "VGG38 BN has the most even gradients, within a factor of $3.2$",
            "is another, VGG38 BN+RC: once the gradient arrives at all, an even profile alone does not decide.",
        ],
        ["VGG38 RC has the most even"],
    ),
    "the best network is not shown to be better than the one with the most even gradients": (
        {"dips": ("rc",), "final": {"bn_rc": 0.501}},
        ["VGG38 BN has the most even", "is another, VGG38 BN+RC."],
        ["an even profile alone does not decide"],
    ),
    "the best network has the most even gradients": (
        {"dips": ("bn", "rc")},
        ["VGG38 BN+RC has the most even gradients, within a factor of $3.2$; it is also the best network by"],
        ["the block of the best"],
    ),
    "at chance for another reason": (
        {"orders": 0.5},
        ["stays at chance in this run, though its gradients do not vanish"],
        ["does not reach", "because nothing arrives"],
    ),
    "at chance with gradients too small throughout": (
        {"orders": 0.5, "faint": ("plain",)},
        [
            "VGG38 stays at chance in this run, and 37 of its 37 convolutions have a mean gradient below $10^{-8}$ in "
            "every epoch, though that of the first does not lie far below the last's.",
        ],
        ["do not vanish", "does not reach"],
    ),
    "the best network has no shallow counterpart": (
        {},
        ["This study has no finished VGG08 with the same block and settings, so the effects"],
        ["was trained, so"],
    ),
    "the shallow counterpart of the best network diverged": (
        {"more": (("vgg08", "bn_rc"),), "diverged": (("vgg08", "bn_rc"),)},
        ["This study has no finished VGG08 with the same block and settings, so the effects"],
        ["was trained, so"],
    ),
    "the best network has a shallow counterpart": (
        {"more": (("vgg08", "bn_rc"),)},
        ["With the same block and settings at both depths, VGG38 BN+RC"],
        ["cannot be told apart"],
    ),
    "a tie of one seed": (
        {"seeds": (0,), "final": {"rc": 0.5}},
        ["ended level with VGG38 RC;", "One seed cannot tell whether any of this holds."],
        ["ended 0.0 percentage points"],
    ),
    "no remedy at all": (
        {"blocks": ("plain",)},
        ["should help. ", "says nothing about BN, RC and BN+RC, which it does not include"],
        ["no remedy tested", "None of the remedies"],
    ),
    "first gradient zero": (
        {"orders": 400.0},
        [
            "it is exactly zero in single precision, from at least one seed.",
            "at no finite distance from the last's for plain,",
        ],
        ["inf", "nan"],
    ),
    "beside the shallow network": (
        {"spread": 0.02},
        [
            "far the deep networks that learn with remedies end from VGG08 ($42.0$\\,$\\pm$\\,2.0\\,\\%): ",
            "VGG38 BN+RC $+18.0$ points (95\\,\\% interval $",
            "VGG38 RC $+3.0$ points (95\\,\\% interval $",
            "), no difference that these seeds could show",
        ],
        [],
    ),
    "a remedy from one seed of three": (
        {"chance": (("vgg38", "plain"), ("vgg38", "rc", 1e-3, 0), ("vgg38", "rc", 1e-3, 2))},
        [
            "VGG38 learns with every remedy tested.",
            "Not from every seed, though: VGG38 RC learns~from 1 of 3 seeds.",
            "learned, not all of them from every seed. The best network",
        ],
        [],
    ),
    "the plain network from one seed of three": (
        {"chance": (("vgg38", "plain", 1e-3, 0), ("vgg38", "plain", 1e-3, 2)), "final": {"plain": 0.3}},
        ["It learns~from 1 of 3 seeds"],
        ["stays at the accuracy of guessing"],
    ),
    "a run at the other rate diverges": (
        {"lrs": (1e-3, 1e-2), "final": {"bn": 0.7}, "diverged": (("vgg38", "bn", 1e-3, 0),)},
        ["for BN $\\eta=10^{-2}$ (with $10^{-3}$, 1 of 3 runs diverged)"],
        ["for BN $\\eta=10^{-2}$ (2."],
    ),
    "all runs at the other rate diverge": (
        {"lrs": (1e-3, 1e-2), "diverged": [("vgg38", block, 1e-2) for block in ACCURACY]},
        ["No remedy learned at one rate and finished at another"],
        ["ran at one learning rate", "Per block the best rate"],
    ),
    "nothing learns": (
        {"chance": [("vgg08", "plain"), *(("vgg38", block) for block in ACCURACY)]},
        [
            "So it has not learned either",
            "this is not overfitting. \\paragraph",
            "None of those tested does: all stay at chance.",
            "in training), as does VGG08: the run was too short or its settings are unsuitable. In the first epoch",
            "VGG08 does not train either, so that this run cannot show what depth costs.",
        ],
        [
            "locate the cause",
            "an even profile alone does not decide",
            "It is a failure of optimisation",
            "lack of capacity",
            "In order of validation accuracy",
            "points above",
            "no sign of overfitting",
            "shows no overfitting",
        ],
    ),
    "the test is harder": (
        {"apart": 0.09, "gain": -0.02},
        [
            "these show no sign of overfitting.",
            ", 9.0 points below the validation accuracy of the same weights; VGG08 reaches",
            "The other networks that learn, which nobody chose, fall as much (9.0 points): the choice of the network",
            "whether the test accuracy follows, which lies 9.0 points lower, is less sure;",
        ],
        ["more capacity may pay", "flatters the latter", "As it shows no overfitting"],
    ),
    "the test is no harder": (
        {"apart": 0.0, "gain": 0.0},
        ["As it shows no overfitting, width and epochs should help, and weight decay should do little;"],
        ["fall as much", "flatters the latter"],
    ),
    "the training images are fitted": (
        {"final": {"bn_rc": 0.995}, "gain": 0.0},
        [
            "As its training images are fitted, epochs and width can gain little; weight decay may, on the test",
        ],
        ["width and epochs should"],
    ),
}
