"""From specs to nodes."""

from __future__ import annotations

from intercomd.supervision.actor_node import ActorNode
from intercomd.supervision.dynamic import DynamicSupervisor
from intercomd.supervision.node import Node, Parent, Stage
from intercomd.supervision.port import ChildSpec, DynamicSpec, SupervisorSpec
from intercomd.supervision.supervisor import Supervisor


def assemble(spec: SupervisorSpec, parent: Parent, stage: Stage) -> Supervisor:
    """The nodes of a whole tree, nothing started; raises `ValueError` for two siblings of one name."""
    return _assemble_supervisor(spec, "", parent, stage)


def _assemble_supervisor(spec: SupervisorSpec, path: str, parent: Parent, stage: Stage) -> Supervisor:
    supervisor = Supervisor(spec, path, parent, stage)
    names = [child.name for child in spec.children]
    if len(set(names)) != len(names):
        raise ValueError(f"supervisor {spec.name!r} has two children of one name: {', '.join(names)}")
    supervisor.children = tuple(_assemble_child(child, path, supervisor, stage) for child in spec.children)
    return supervisor


def _assemble_child(
    spec: ChildSpec | SupervisorSpec | DynamicSpec, above: str, parent: Supervisor, stage: Stage
) -> Node:
    path = f"{above}/{spec.name}" if above else spec.name
    if isinstance(spec, ChildSpec):
        return ActorNode(spec, path, parent, stage)
    if isinstance(spec, SupervisorSpec):
        return _assemble_supervisor(spec, path, parent, stage)
    dynamic = DynamicSupervisor(spec, path, parent, stage)
    stage.book.nurseries[path] = dynamic
    return dynamic
