"""A group's further mounts and time limit, as they may be registered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from intercomd.domain.container_config import ContainerConfig, MountRequest, parse_container_config
from intercomd.errors import InvalidInput


def test_config_is_read_with_its_defaults() -> None:
    """A mount is read-only and under its own name unless it says otherwise (original.md §10.1)."""
    config = parse_container_config(
        {
            "additionalMounts": [
                {"hostPath": "~/notes"},
                {"hostPath": "/srv/x", "containerPath": "x", "readonly": False, "exclude": ["a/b/", "c"]},
            ],
            "timeout": 60_000,
        }
    )
    assert config == ContainerConfig(
        (MountRequest("~/notes", None, False, ()), MountRequest("/srv/x", "x", True, ("a/b", "c"))),
        timedelta(minutes=1),
    )


def test_no_config_is_an_empty_one() -> None:
    """Most groups have none."""
    assert parse_container_config(None) == parse_container_config({}) == ContainerConfig()


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"mounts": []}, "container_config.mounts"),
        ({"additionalMounts": {}}, "container_config.additionalMounts"),
        ({"additionalMounts": [{}] * 33}, "container_config.additionalMounts"),
        ({"additionalMounts": ["/srv"]}, "container_config.additionalMounts[0]"),
        ({"additionalMounts": [{}]}, "container_config.additionalMounts[0].hostPath"),
        ({"additionalMounts": [{"hostPath": "a\nb"}]}, "container_config.additionalMounts[0].hostPath"),
        ({"additionalMounts": [{"hostPath": "/a", "readonly": 1}]}, "container_config.additionalMounts[0].readonly"),
        ({"additionalMounts": [{"hostPath": "/a", "exclude": ["../b"]}]}, "additionalMounts[0].exclude[0]"),
        ({"additionalMounts": [{"hostPath": "/a", "exclude": ["b,c"]}]}, "additionalMounts[0].exclude[0]"),
        ({"timeout": True}, "container_config.timeout"),
        ({"timeout": 10}, "container_config.timeout"),
    ],
)
def test_config_that_breaks_a_rule_is_refused_with_its_place(config: dict[str, object], field: str) -> None:
    """B-54: what becomes a word of a command line is plain; everything else says what is allowed."""
    with pytest.raises(InvalidInput) as caught:
        parse_container_config(config)
    assert field in str(caught.value)
