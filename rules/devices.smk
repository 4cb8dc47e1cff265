# GPUs as a resource that Snakemake counts; a job finds out by locks which of them it computes on (machine/gpus.py).
# On a cluster, the cluster's own scheduler assigns them.

from workflow_scripts.engine.machine import gpus

# The executor of the jobs is known only at `onstart`; before that, a given --jobs suggests a cluster.
MAYBE_CLUSTER = workflow.resource_settings.nodes is not None
GPU_LIMIT = getattr(workflow.resource_settings.resources.get("gpu"), "value", None)  # of --resources gpu=N

# A cell takes a GPU where there is one; the nodes of a cluster are assumed to have them, unless `device` says cpu.
GPUS = gpus.present() if SETTINGS.device != "cpu" else []
GPUS_PER_CELL = 1 if GPUS or SETTINGS.device == "cuda" or (MAYBE_CLUSTER and SETTINGS.device == "auto") else 0

if workflow.is_main_process and GPUS:
    if GPU_LIMIT is not None and GPU_LIMIT > len(GPUS) and not MAYBE_CLUSTER:
        sys.exit(
            f"error: --resources gpu={GPU_LIMIT}: expected at most {len(GPUS)}, the GPUs that this machine has or "
            "that CUDA_VISIBLE_DEVICES names; to let several cells share one, set gpu_share in config.yaml"
        )
    # without a limit Snakemake would start as many GPU jobs as there are cores
    workflow.register_resource("gpu", (len(GPUS) if GPU_LIMIT is None else GPU_LIMIT) * SETTINGS.gpu_share)
