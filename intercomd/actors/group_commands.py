"""`/network`: the main group decides what a group's sandboxes may reach."""

from __future__ import annotations

from intercomd.desk.groups import GroupDesk
from intercomd.domain.chat import Network
from intercomd.domain.folder import parse_folder
from intercomd.domain.markdown import in_code, plain
from intercomd.domain.rights import Requester
from intercomd.errors import InvalidInput, NotFound, PolicyRefused

_USAGE = "Usage: `/network <group> <none|full>`, with the group's folder name."


def network_reply(desk: GroupDesk, arguments: str, requester: Requester) -> str:
    """Carry out `/network` and say what it did, in Markdown. Done twice it says the same. Raises `StoreUnavailable`."""
    folder, _, network = arguments.strip().partition(" ")
    try:
        chosen = Network(network.strip().lower())
        desk.set_network(requester, parse_folder(folder), chosen)
    except (ValueError, InvalidInput):
        return _USAGE
    except PolicyRefused:
        return "Only the main group decides what a group's agent may reach."
    except NotFound as error:
        return plain(f"{str(error).capitalize()}.")
    reach = "the network and the model" if chosen is Network.FULL else "the model alone"
    return f"From its next run on, the agent of `{in_code(folder)}` reaches {reach}."
