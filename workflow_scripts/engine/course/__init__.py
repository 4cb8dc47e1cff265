"""The course's own formats, to read and to write: its experiment folders, command line, checkpoints and hand-in.

The framework is `pytorch_mlp_framework` of the Edinburgh MLP course (coursework 2, 2018 to 2024).
"""

MODELS = {0: "vgg08", 5: "vgg38"}  # our networks by the framework's num_blocks_per_stage
STAGES, FILTERS = 3, 32  # of these networks; the filters are those at width 1
