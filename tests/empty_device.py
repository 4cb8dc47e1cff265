"""A device that computes nothing, which shows what a GPU would be asked to do without having one.

PyTorch's `meta` device has shapes, types and devices, but no values. Within `EmptyDevice`, values read back from it are
zeros, an operation on tensors of two devices is an error, as on a GPU, and every transfer is counted.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

META = torch.device("meta")
aten = torch.ops.aten
COPIES = (aten._to_copy.default, aten.copy_.default)
UNKNOWN = (aten._fused_adamw_.tensor_lr,)  # operations that lack a `meta` kernel, work in place and return nothing


class EmptyDevice(TorchDispatchMode):
    """A context; `sent` and `read` list the operations that moved something to the device, or back from it.

    `launched` lists the others that would be kernels there, each with the numbers that it is given by the host.
    """

    def __init__(self):
        super().__init__()
        self.sent, self.read, self.launched = [], [], []

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        options = options or {}
        given = _on_meta((arguments, options))
        if operation is aten._local_scalar_dense.default and any(given):
            self.read.append(operation)
            return 0
        if operation is aten._to_copy.default and all(given) and not _stays(options):
            self.read.append(operation)
            shape, dtype = arguments[0].shape, options.get("dtype") or arguments[0].dtype
            return torch.zeros(shape, dtype=dtype, device="cpu")
        result = None if operation in UNKNOWN else operation(*arguments, **options)
        if len({*given, *_on_meta(result)}) > 1:
            # a tensor of no dimension may be on the CPU: it is passed with the kernel, and a graph would freeze it
            mixed = {*_on_meta((arguments, options), least=1), *_on_meta(result, least=1)}
            if operation not in COPIES and len(mixed) > 1:
                raise RuntimeError(f"{operation} of tensors on two devices")
            self.sent.append(operation)
        elif any(given) and not operation.is_view:
            numbers = [value for value in tree_leaves((arguments, options)) if not isinstance(value, torch.Tensor)]
            self.launched.append((operation, numbers))
        return result


def _on_meta(values, least=0):
    """For each tensor with at least `least` dimensions among nested values: whether it is on the device."""
    return [value.is_meta for value in tree_leaves(values) if isinstance(value, torch.Tensor) and value.dim() >= least]


def _stays(options):
    return options.get("device") in (None, META)
