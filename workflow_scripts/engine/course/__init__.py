"""The course's own files and words: its experiment folders, command line, checkpoints and hand-in, out and in.

The framework is `pytorch_mlp_framework` of the Edinburgh MLP course (coursework 2, 2018 to 2024).
"""

MODELS = {0: "vgg08", 5: "vgg38"}  # our networks by what the framework calls num_blocks_per_stage
STAGES, FILTERS = 3, 32  # of these; the filters at width 1
