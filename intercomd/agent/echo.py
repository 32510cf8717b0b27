"""The `echo` runtime: repeats the newest message of its prompt, and shows every path of a run when told to.

Words of the text that begin with `!` are directives. They are obeyed in order and left out of the reply; an unknown
one is part of the text, and a text of nothing but directives is repeated as it is.

    !slow S        wait S seconds before going on (a number, may have a fraction); with !stream, between its pieces
    !tool NAME IN  report the start of the tool NAME with the input IN
    !call NAME {}  call the assistant's tool NAME with the arguments of a JSON object; its answer ends the reply
    !stream        send the reply in pieces as it is written, then whole
    !internal      put a thought in <internal> tags before the reply
    !twice         reply twice in this turn
    !silent        end the turn without a reply
    !stderr N      write N bytes to standard error
    !garbage       print text and a block that are no frames
    !invalid-utf8  print bytes that are no UTF-8, between blocks and inside one
    !big N         print N megabytes that belong to no block
    !fork          leave a child process behind that holds the streams open for an hour
    !crash-after   reply, then exit with code 1
    !half          print half a frame, then exit with code 0
    !exit N        exit with code N
    !hang          do nothing for ever
    !fail REASON   report the rest of the text as an error and exit with code 1
"""

from __future__ import annotations

import os
import time

from .frames import END, START, STDERR, FrameWriter, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:  # not from `typing`: its import takes as long as all the rest
    from collections.abc import Callable
    from typing import Any

    Argument = str | float | dict[str, Any]
    Directive = tuple[str, list[Argument]]


def _amount(text: str) -> float:
    value = float(text)
    if not 0 <= value <= _MOST:
        raise ValueError(f"{text} is not between 0 and {_MOST}")
    return value


_MOST = 1_000_000
_DIRECTIVES: dict[str, tuple[Callable[[str], Argument], ...]] = {
    "!slow": (_amount,),
    "!tool": (str, str),
    "!stream": (),
    "!internal": (),
    "!twice": (),
    "!silent": (),
    "!stderr": (_amount,),
    "!garbage": (),
    "!invalid-utf8": (),
    "!big": (_amount,),
    "!fork": (),
    "!crash-after": (),
    "!half": (),
    "!exit": (_amount,),
    "!hang": (),
}
_CALL = "!call"
_MEGABYTE = 1_000_000
_PIECE_CHARACTERS = 8
_HOUR_SECONDS = 3600
_GARBAGE = f"no frame\n{START}\nno JSON\n{END}\n{START}[]{END}{START}{END}".encode()
_INVALID_UTF8 = (
    b"\xff\xfe\xc3\n"
    + START.encode()
    + b'{"status":"success","result":null,"event":{"type":"text_delta","text":"caf\xe9"}}'
    + END.encode()
    + b"\x80\n"
)


class Echo:
    """Answers turns through `frames`."""

    model = "echo"

    def __init__(self, frames: FrameWriter) -> None:
        self._frames = frames

    def turn(self, prompt: str) -> bool:
        """Answer `prompt`; False when the turn failed and the agent is to exit with code 1."""
        text = newest_message(prompt)
        directives, reply = parse_directives(text)
        names = {name for name, _ in directives}
        answers = []
        for name, arguments in directives:
            if name == "!fail":
                self._frames.failed(str(arguments[0]))
                return False
            if name == _CALL:
                answers.append(_call_tool(*arguments))
            elif name != "!slow" or "!stream" not in names:
                self._obey(name, arguments)
        if answers:
            reply = "\n".join(([] if reply == text else [reply]) + answers)
        if "!silent" in names:
            return True
        if "!stream" in names:
            pieces = [reply[start : start + _PIECE_CHARACTERS] for start in range(0, len(reply), _PIECE_CHARACTERS)]
            pause = sum(float(str(arguments[0])) for name, arguments in directives if name == "!slow")
            for piece in pieces:
                self._frames.text_delta(piece)
                time.sleep(pause / len(pieces))
        if "!internal" in names:
            reply = f"<internal>I was told to think first.</internal>{reply}"
        self._frames.result(reply)
        if "!twice" in names:
            self._frames.result(reply)
        return "!crash-after" not in names

    def _obey(self, name: str, arguments: list[Argument]) -> None:
        """What happens before the reply."""
        if name == "!tool":
            self._frames.tool_start(*map(str, arguments))
            return
        amount = float(str(arguments[0])) if arguments else 0.0
        if name == "!slow":
            time.sleep(amount)
        elif name == "!stderr":
            write_all(b"e" * int(amount), STDERR)
        elif name == "!garbage":
            write_all(_GARBAGE)
        elif name == "!invalid-utf8":
            write_all(_INVALID_UTF8)
        elif name == "!big":
            for _ in range(int(amount)):
                write_all(b"n" * (_MEGABYTE - 1) + b"\n")
        elif name == "!fork":
            if os.fork() == 0:
                time.sleep(_HOUR_SECONDS)
                os._exit(0)
        elif name == "!half":
            write_all(f'{START}\n{{"status":"succ'.encode())
            os._exit(0)
        elif name == "!exit":
            os._exit(int(amount))
        elif name == "!hang":
            while True:
                time.sleep(_HOUR_SECONDS)


def _call_tool(name: Argument, arguments: Argument) -> str:
    """The answer of a tool, put in the way the MCP server puts it."""
    from .tool_client import ToolClient, ipc_directory  # here: a turn without a call is not to pay for the import

    answer = ToolClient(ipc_directory()).call(str(name), arguments)
    return f"{name} {'error' if answer.is_error else 'ok'}: {answer.text}"


def newest_message(prompt: str) -> str:
    """The text of the last `<message>` of a prompt; a prompt that holds none is a text itself."""
    end = prompt.rfind("</message>")
    if end < 0:
        return prompt.strip()
    content = prompt[prompt.rfind(">", 0, end) + 1 : end]
    for entity, character in (("&quot;", '"'), ("&gt;", ">"), ("&lt;", "<"), ("&amp;", "&")):
        content = content.replace(entity, character)
    return content


def parse_directives(text: str) -> tuple[list[Directive], str]:
    """The directives of `text` with their arguments, and what is left of it to reply."""
    words = text.split()
    directives: list[Directive] = []
    kept: list[str] = []
    while words:
        word = words.pop(0)
        if word == "!fail":
            directives.append((word, [" ".join(words) or "no reason given"]))
            break
        if word == _CALL and words:
            called = _parse_call(words)
            if called is not None:
                directives.append((word, called[0]))
                words = called[1]
                continue
        arguments = _parse_arguments(word, words)
        if arguments is None:
            kept.append(word)
        else:
            directives.append((word, arguments))
            del words[: len(arguments)]
    return directives, " ".join(kept) if directives and kept else text


def _parse_call(following: list[str]) -> tuple[list[Argument], list[str]] | None:
    """The tool, the object after it, and the words after that; None when there is no object."""
    from json import JSONDecoder

    rest = " ".join(following[1:])
    try:
        arguments, end = JSONDecoder().raw_decode(rest)
    except ValueError:
        return None
    return ([following[0], arguments], rest[end:].split()) if isinstance(arguments, dict) else None


def _parse_arguments(word: str, following: list[str]) -> list[Argument] | None:
    """The arguments of the directive `word`, or None when it is none."""
    kinds = _DIRECTIVES.get(word)
    if kinds is None or len(following) < len(kinds):
        return None
    try:
        return [kind(argument) for kind, argument in zip(kinds, following)]  # noqa: B905 - Python 3.9 knows no strict
    except ValueError:
        return None
