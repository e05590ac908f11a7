"""Bottleneck modules behind the sublayers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tunewell.contracts import Job, Predictor
from tunewell.errors import NotApplicable
from tunewell.fit.schedule import Schedule, refuse_below
from tunewell.values import Progress

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Adapter(Schedule):
    """Small modules put into every layer: down to a few units, GELU, up again, added on.

    They stand where a sublayer's last matrix ends, before what the layer adds and its norm. The
    norms themselves stay as they are: the first paper moves them too, the second has one more.

    What moves: two thin matrices behind the attention and behind the MLP of each layer (or the
    MLP alone), and the head. Needs: nothing more than `head`. Costs: three quarters of `full` in
    time, a fraction of its memory for the optimizer, and an artefact of a few megabytes.
    Choose it: when one backbone serves many tasks, and modules of their own are no hindrance.
    Neighbours: `lora` adds to the matrices themselves, so that it can be merged into them.
    Source: Houlsby et al. (arXiv 1902.00751), Pfeiffer et al. (arXiv 2005.00247).
    """

    name: ClassVar[str] = "adapter"
    summary: ClassVar[str] = "bottleneck modules in every layer, and the head"
    rung: ClassVar[int] = 64
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 2e-3
    """Highest learning rate; ten times that of `full` and more, as new modules start near nothing.
    On 240 short rows MiniLM did best with 3e-3 and stayed near chance with 3e-4."""
    placement: Literal["houlsby", "pfeiffer"] = "houlsby"
    """`houlsby`: behind attention and MLP; `pfeiffer`: behind the MLP alone, half as many."""
    size: int = 32
    """Units in the middle of each; the papers took 2 to 256."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        super().__post_init__()
        refuse_below(1, size=self.size)

    def fit(self, job: Job) -> Predictor:
        """Train the modules and the head; NotApplicable where there is no place for them."""
        from tunewell.fit.loop import train

        return train(job, lambda model: self._add(model, job), self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, in_every_layer, lines
        from tunewell.fit.sublayers import sublayers

        found = sublayers(body)
        behind = [found.mlp_outputs]
        if self.placement == "houlsby":
            behind.insert(0, found.attention_outputs)
        places = " + ".join(in_every_layer(body, names) for names in behind if names)
        code = f"""
            class Bottleneck(nn.Module):
                \"\"\"Down to a few units, GELU, and up again; added to what it got.\"\"\"

                def __init__(self, width, size):
                    super().__init__()
                    self.down, self.up = nn.Linear(width, size), nn.Linear(size, width)
                    for linear in (self.down, self.up):
                        nn.init.trunc_normal_(linear.weight, std=0.01, a=-0.02, b=0.02)
                        nn.init.zeros_(linear.bias)

                def forward(self, hidden):
                    return self.up(nn.functional.gelu(self.down(hidden)))


            def prepare(model):
                \"\"\"A bottleneck behind linear layers; the body stands still.\"\"\"
                model.body.requires_grad_(False)
                for name in {places}:
                    linear = model.body.get_submodule(name)
                    width = getattr(linear, "out_features", None) or linear.nf
                    linear.bottleneck = Bottleneck(width, {self.size})
                    linear.register_forward_hook(lambda m, _, out: out + m.bottleneck(out))
            """
        return ByHand(lines(code))

    def _add(self, model: Any, job: Job) -> Any:
        from tunewell.fit import anatomy, bottlenecks
        from tunewell.fit.sublayers import sublayers

        found = sublayers(anatomy.body(model))
        places = {"MLP": found.mlp_outputs}
        if self.placement == "houlsby":
            places = {"attention": found.attention_outputs, **places}
        missing = " or ".join(place for place, names in places.items() if not names)
        names = [name for names in places.values() for name in names]
        if not names:
            raise NotApplicable(f"this backbone has no linear layer at the end of its {missing}")
        if missing:
            told = f"no modules behind the {missing}, which does not end in a linear layer"
            job.report_progress(Progress(note=told))
        return bottlenecks.attach(model, names, self.size)
