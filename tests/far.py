"""A device that is not the CPU, on any machine: what lies on it is near, and may not be touched.

Each of its tensors holds one on the CPU, which does the work. As on a GPU, what lies there cannot
be seen by numpy nor put together with what lies on the CPU, but by copying. torch has a name free
for such a device; one process can have but one, and cannot lose it again.
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "far"
aten = torch.ops.aten
MIXED = {
    aten.copy_,
    aten._copy_from,
    aten._to_copy,
    aten.index,
    aten.index_put,
    aten.index_put_,
    aten._index_put_impl_,
}
"""What takes tensors of both: copies, and places on the CPU of what lies on a GPU."""


class Far(Tensor):
    """A tensor on the device."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, near: Tensor) -> Far:
        return Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=torch.device(NAME, 0),
        )

    def __init__(self, near: Tensor) -> None:
        self.near = near

    def tolist(self):
        return self.near.tolist()

    def __repr__(self) -> str:
        return f"Far({self.near})"

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        """Run on the CPU, if all of it lies here."""
        kwargs = dict(kwargs or {})
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        beside = [each for each in tensors if not isinstance(each, Far) and each.dim()]
        if beside and function.overloadpacket not in MIXED:
            raise RuntimeError(f"{function} is given tensors on {NAME} and on the CPU")
        device = kwargs.get("device")
        stays = device is None or torch.device(device).type == NAME
        if device is not None:
            kwargs["device"] = torch.device("cpu")
        kwargs.pop("pin_memory", None)
        known = {id(each.near): each for each in tensors if isinstance(each, Far)}
        known |= {id(each): each for each in tensors if not isinstance(each, Far)}
        found = function(*tree_map(_near, args), **tree_map(_near, kwargs))

        def out(value):
            if not isinstance(value, Tensor):
                return value
            if id(value) in known:  # changed in place
                return known[id(value)]
            return Far(value) if stays else value

        return tree_map(out, found)


def _near(value):
    return value.near if isinstance(value, Far) else value


class _Module:
    """What torch asks of a device's own module."""

    @staticmethod
    def get_amp_supported_dtype():
        return [torch.bfloat16]

    is_initialized = is_available = staticmethod(lambda: True)
    current_device = staticmethod(lambda: 0)
    device_count = staticmethod(lambda: 1)
    _is_in_bad_fork = staticmethod(lambda: False)
    manual_seed = manual_seed_all = staticmethod(lambda seed: None)


def _factories():
    """Operators that make a tensor of nothing but sizes and numbers."""
    for name in torch._C._dispatch_get_all_op_names():
        space, _, rest = name.partition("::")
        packet, _, overload = rest.partition(".")
        if space != "aten" or any(word in name for word in ("sparse", "quantized", "from_file")):
            continue
        try:
            function = getattr(getattr(aten, packet), overload or "default")
        except (AttributeError, RuntimeError):
            continue
        schema = function._schema
        takes = [str(argument.type) for argument in schema.arguments]
        named = any(argument.name == "device" for argument in schema.arguments)
        if named and not any("Tensor" in kind for kind in takes) and len(schema.returns) == 1:
            yield rest, function


def _made(function):
    def kernel(*args, **kwargs):
        kwargs = {name: each for name, each in kwargs.items() if name != "pin_memory"}
        return Far(function(*args, **{**kwargs, "device": torch.device("cpu")}))

    return kernel


def _copied(source, target, non_blocking=False):
    _near(target).copy_(_near(source))
    return target


def set_up() -> tuple[torch.library.Library, torch.library.Library]:
    """Give this process the device; it is there as long as what comes back is kept."""
    _setup_privateuseone_for_python_backend(NAME, backend_module=_Module)
    torch.__future__.set_swap_module_params_on_conversion(True)  # or shared weights part
    library = torch.library.Library("aten", "IMPL")
    for name, function in _factories():
        library.impl(name, _made(function), "PrivateUse1")
    library.impl("_copy_from", _copied, "PrivateUse1")
    everything = torch.library.Library("_", "IMPL")
    everything.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
    torch.inference_mode = _no_gradients  # it takes no tensors that hold another
    return library, everything


def _no_gradients(mode=True):
    return torch.no_grad() if mode else nullcontext()
