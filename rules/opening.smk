# Checks and messages before the first job.

import shutil

from workflow_scripts.engine.machine import slurm

# Snakemake writes here before anything else; if it cannot, it ends with a traceback
NOTES = Path(".snakemake" if os.path.exists(".snakemake") else ".").absolute()
if workflow.is_main_process and not os.access(NOTES, os.W_OK):
    sys.exit(f"error: {NOTES}: cannot be written to (read-only, or another user's); --directory names another folder")
if workflow.is_main_process and os.path.exists("results") and not os.path.isdir("results"):
    sys.exit(f"error: {os.path.abspath('results')}: expected a folder for the results, found a file")


@or_exit
def check_slurm():
    """End with a message if the Slurm cluster cannot run the jobs, or cannot tell Snakemake how they are."""
    plugin = workflow.executor_settings
    jobs = [job for job in workflow.dag.needrun_jobs() if not job.is_local]
    sent = [(job.rule.name, job.resources) for job in jobs]
    threads = [the_cell(job.wildcards).threads for job in jobs if job.rule.name in TRAINED_BY]
    limits = {
        "--jobs": workflow.nodes,
        "--resources gpu": GPU_LIMIT,
        "--max-jobs-per-timespan": workflow.scheduling_settings.max_jobs_per_timespan.max_jobs,
    }
    slurm.check(sent)
    slurm.check_status(plugin.status_command, plugin.init_seconds_before_status_checks, sent, plugin.array_jobs)
    slurm.check_cores(max(threads, default=0), workflow.resource_settings.cores)
    slurm.check_limits(sent, plugin.array_jobs, limits)


onstart:
    # Snakemake itself would end with a traceback if it cannot remove an old file
    if os.path.exists("results") and not os.access("results", os.W_OK):
        raise WorkflowError(f"{os.path.abspath('results')}: cannot be written to (read-only, or another user's)")
    if workflow.resource_settings.cores == 0:  # Snakemake would wait forever
        raise WorkflowError("--cores: expected at least 1, found 0")
    if workflow.local_exec and not GPUS and SETTINGS.device != "cuda":
        # with --jobs, which may have meant a cluster, cells have requested a GPU
        workflow.register_resource("gpu", sys.maxsize)
        side_by_side = workflow.nodes or workflow.cores
        print(f"No GPU is used: cells train on the CPU, up to {side_by_side} side by side.", file=sys.stderr)
    papers = [job.output[0] for job in workflow.dag.needrun_jobs() if job.output and job.output[0] in PAPERS]
    if papers and not shutil.which("latexmk"):  # now, as it would be an error only after days of training
        print(f"latexmk is not installed: {papers[0]} cannot be typeset; make setup installs it.", file=sys.stderr)
    if not workflow.local_exec and GPUS:  # the GPUs of the machine that runs Snakemake limit nothing on a cluster
        workflow.register_resource("gpu", sys.maxsize if GPU_LIMIT is None else GPU_LIMIT)
    if workflow.executor_plugin.name == "slurm":
        # a line per task: where one line is about a range of tasks, the plugin (2.8) finds none of them
        os.environ.update(SQUEUE_ARRAY="1")
        check_slurm()
