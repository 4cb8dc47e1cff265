# GPUs as a resource that Snakemake counts; which of them a job computes on, the job finds out by locks (engine/gpus.py).

from workflow_scripts.engine import gpus

# A cell takes a GPU where there is one; on a cluster, `device: cuda` says that the nodes have them.
GPUS = gpus.present() if SETTINGS.device != "cpu" else []
GPUS_PER_CELL = 1 if GPUS or SETTINGS.device == "cuda" else 0

if workflow.is_main_process and workflow.local_exec and GPUS:
    limit = workflow.global_resources.get("gpu")
    if limit is not None and limit.value > len(GPUS):
        sys.exit(
            f"error: --resources gpu={limit.value}: expected at most {len(GPUS)}, the GPUs that this machine has or "
            "that CUDA_VISIBLE_DEVICES names; to let several cells share one, set gpu_share in config.yaml"
        )
    # without a limit Snakemake would start as many GPU jobs as there are cores
    workflow.register_resource("gpu", (limit.value if limit else len(GPUS)) * SETTINGS.gpu_share)


onstart:
    if workflow.local_exec and not GPUS and SETTINGS.device != "cuda":
        print(f"No GPU is used: cells train on the CPU, up to {workflow.cores} side by side.", file=sys.stderr)
