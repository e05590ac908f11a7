"""The command that talks with a model that writes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell import registry
from tunewell.errors import ConfigError, DataError, NotApplicable
from tunewell.tell.text import one_line, visible
from tunewell.terminal import show
from tunewell.terminal.syntax import command_line

if TYPE_CHECKING:
    from tunewell.contracts import Predictor
    from tunewell.fit.talking import Wish
    from tunewell.fit.turns import Asked, Message


_WHO = (
    "The run's folder, the folder of a model in a run, or a pretrained model: its folder or its "
    "name on the Hub. Not given: the one that texts are fitted on unless you say otherwise."
)


@dataclass(frozen=True)
class ChatOptions:
    """How a model is talked with."""

    system: str | None = None
    """What the model is told first: who it is, how it is to answer."""
    temperature: float = 0.0
    """0: the likeliest words each time, as the model was measured; up to 2: ever more freely."""
    top_p: float = 1.0
    """Only the likeliest words, with this probability together, are chosen from."""
    seed: int | None = None
    """The same one gives the same answers. Not given: others each time, unless temperature is 0."""
    max_tokens: int | None = None
    """Most tokens of an answer. Not given: as many as the model has learnt to give."""


def chat(argv: Sequence[str]) -> int:
    """Talk with a model that writes; Ctrl-D ends, and of a pipe each line is answered."""
    given, chosen, json = command_line("chat", chat.__doc__, argv, ChatOptions, _WHO, "MODEL")
    if len(given) > 1:
        raise ConfigError("One model is expected.", "Name it: `tunewell chat runs/assistant`.")
    from tunewell.fit.sampling import Draw
    from tunewell.fit.talking import Wish, can_talk

    draw = Draw(chosen.temperature, chosen.top_p, chosen.seed)
    wish = Wish(chosen.max_tokens, draw=draw)
    predictor = partner(given)
    if not can_talk(predictor):
        raise ConfigError(
            f"The model of {given[0]} cannot be talked with.",
            f"It answers what it was fitted to: {predictor.task.summary}.",
            f'Ask it with `tunewell predict {given[0]} "..."`.',
        )
    talker = Talker(predictor, wish, chosen.system)
    if sys.stdin.isatty() and sys.stdout.isatty() and not json:
        _by_keyboard(talker)
        return 0
    turns, refused = [], None
    for line in filter(str.strip, sys.stdin):
        try:
            answer = "".join(talker.ask(line.rstrip("\r\n")))
        except DataError as error:
            show.tell(error)
            refused = error
            continue
        turns.append({"user": line.rstrip("\r\n"), "assistant": answer})
        if not json:
            print(one_line(visible(answer)), flush=True)
    if json:
        show.show_json({"turns": turns})
    return refused.exit_status if refused else 0


def partner(given: Sequence[str]) -> Predictor:
    """The model of a run, or one that has learnt no rows, as it stands."""
    from tunewell import run
    from tunewell.fit import backbones, hub, machine
    from tunewell.fit.prompting.writers import LocalWriter, writer_of
    from tunewell.fit.talking import untuned

    name = given[0] if given else hub.default(writes=True)
    if any((Path(name) / file).exists() for file in ("comparison.json", "model.json")):
        return run.load(name)
    try:
        writer = writer_of(backbones.resolve(name), machine.find())
    except NotApplicable as reason:
        raise ConfigError(f"{name} cannot be talked with: {reason}.") from reason
    assert isinstance(writer, LocalWriter)
    show.say(f"{name} as it stands: it has learnt no rows of yours.")
    return untuned(writer, registry.task("chat" if writer.talks else "complete")())


@dataclass
class Talker:
    """A conversation as far as it has come; of tasks that know none each line stands alone."""

    predictor: Predictor
    wish: Wish
    system: str | None
    said: list[Message] = field(default_factory=list)
    told: bool = False
    """Whether it has been said that the beginning was forgotten."""

    @property
    def remembers(self) -> bool:
        """Whether the model was fitted to whole conversations."""
        return any(column.name == "messages" for column in self.predictor.task.columns)

    def ask(self, line: str) -> Generator[str, None, None]:
        """The answer as it is written; what was written counts as said, also if it is broken off.

        Raises:
            DataError: the line alone is too long, or the model reads no such thing.
        """
        from tunewell.fit.talking import begin, usual_tokens

        most = self.wish.tokens or usual_tokens(self.predictor)
        while True:
            # What was said before makes room for a whole answer; one line alone need not.
            wish = replace(self.wish, tokens=most) if self.said else self.wish
            try:
                talk = begin(self.predictor, self._asked(line), wish)
                break
            except DataError:
                if not self.said:
                    raise
                del self.said[:2]
                if not self.told:
                    show.say("The conversation is long; its beginning is forgotten from here on.")
                self.told = True
        answer = ""
        try:
            for moment in talk.said:
                for each in moment:
                    answer += each.text
                    yield each.text
        finally:
            if self.remembers:
                self.said += [_message("user", line), _message("assistant", answer)]

    def _asked(self, line: str) -> Asked:
        """The line as the model is asked, with what was said before it."""
        from tunewell.read import input_typed

        task: Any = self.predictor.task
        asked: Asked = (*self.said, _message("user", line))
        if not self.remembers:
            asked = task.conversation(input_typed(task, line, "what you typed"))
        if self.system is None:
            return asked
        if isinstance(asked, str):
            raise ConfigError(f"{task.name} goes on with a text and takes no system prompt.")
        return (_message("system", self.system), *asked)


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _by_keyboard(talker: Talker) -> None:
    """Questions typed and answers shown until Ctrl-D; Ctrl-C breaks off an answer."""
    from rich.console import Console
    from rich.text import Text

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 (arrows and earlier lines, where the system has it)

    console = Console(highlight=False)
    how = "" if talker.remembers else " Each line is answered by itself."
    show.say(f"Ctrl-D ends, Ctrl-C breaks off an answer.{how}")
    while True:
        try:
            line = input("> ")
        except EOFError:
            console.print()
            return
        if not line.strip():
            continue
        try:
            with contextlib.closing(talker.ask(line)) as pieces:
                for piece in pieces:
                    console.print(Text(visible(piece)), end="", soft_wrap=True)
            console.print()
        except KeyboardInterrupt:
            console.print("…")
        except DataError as error:
            show.tell(error)
