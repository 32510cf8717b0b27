"""B-16: what runs with every message is answered from an index, shown by each engine's own plan."""

from __future__ import annotations

import pytest

from intercomd.domain.ids import ChatJid
from intercomd.store.opening import StoreSettings
from tests.store.household import Household, reply
from tests.store.plans import plans_of, unindexed

INDEXES = {
    "list_ready": ["groups_pending"],
    "next_retry_at": ["groups_backoff"],
    "note_request": ["groups_jid", "autoindex_groups_2"],
    "list_history": ["chat_messages_pkey", "autoindex_chat_messages_1"],
    "edit_message": ["chat_messages_chat_jid_external_id", "autoindex_chat_messages_2"],
    "list_prompt_messages": ["chat_messages_pkey", "autoindex_chat_messages_1"],
    "list_texts_by_time": ["chat_messages_by_time"],
    "list_texts_by_seq": ["chat_messages_pkey", "autoindex_chat_messages_1"],
    "list_conversation": ["chat_messages_by_time"],
    "list_said_before": ["chat_messages_by_time"],
    "list_unhandled_commands": ["chat_messages_commands"],
    "claim_texts": ["outbox_pending", "outbox_waiting"],
    "expire_texts": ["outbox_pending"],
    "list_recent_texts_of_chat": ["outbox_chat_jid_position", "autoindex_outbox_2"],
    "list_stranded_texts": ["outbox_sending"],
    "list_waiting_files": ["outbox_waiting"],
    "find_live_run": ["runs_live"],
    "find_open_question": ["questions_open"],
    "list_recent_events_of_chat": ["events_by_chat"],
}
"""Per query the index that answers it, by its name on either engine."""

SCANS = ("Seq Scan on", "SCAN groups\n", "SCAN chat_messages\n", "SCAN outbox\n", "SCAN o\n", "SCAN runs\n")

VALUES = {
    "after_seq": "5",
    "created_before": "1000",
    "up_to_seq": "9",
    "external_id": "'m-7'",
    "content": "'x'",
    "channel": "'local'",
    "chat_jid": "'local:7'",
    "folder": "'g7'",
    "after": "5",
    "epoch": "1",
    "latest": "2000",
    "limit": "10",
    "now": "1000",
    "seq": "7",
    "sent_at": "1000",
    "mark": "'Ada:'",
    "up_to": "9",
}

CROWD = (
    """INSERT INTO chats (jid, name, channel, is_group, last_seq)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    SELECT 'local:' || i, 'n', 'local', 0, 1 FROM n""",
    """INSERT INTO groups (folder, jid, name, trigger_text, requires_trigger, added_at, last_request_seq, settled_seq,
        context_seq, waiting_since)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    SELECT 'g' || i, 'local:' || i, 'n', '', 0, 0, 1, i % 2, 0, i FROM n""",
    """INSERT INTO chat_messages (chat_jid, seq, external_id, sender, sender_name, content, sent_at, stored_at, kind,
        is_from_me)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
    SELECT 'local:' || (i % 50 + 1), i, 'm-' || i, 'u', 'U', 'text', 0, i, 'request', 0 FROM n""",
    """INSERT INTO outbox (outbox_id, chat_jid, position, kind, content, state, created_at)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
    SELECT 'o' || i, 'local:' || (i % 50 + 1), i, 'reply', 'text', CASE WHEN i > 5990 THEN 'pending' ELSE 'sent' END,
        i FROM n""",
    """INSERT INTO runs (run_id, folder, chat_jid, epoch, generation, attempt, opened_at, outcome)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    SELECT 'r' || i, 'g' || (i % 50), 'local:1', 1, 0, 1, i, 'succeeded' FROM n""",
    """INSERT INTO events (at, code, chat_jid, detail)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
    SELECT i, 'x', 'local:' || (i % 50), '' FROM n""",
    """INSERT INTO questions (question_id, chat_jid, folder, content, choices, state, asked_at, answer_seq, choice)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    SELECT 'q' || i, 'local:' || (i % 50 + 1), 'g', '?', '[]', 'answered', i, i, 0 FROM n""",
    "ANALYZE",
)


@pytest.mark.usefixtures("store")
def test_frequent_queries_are_answered_from_an_index(store_settings: StoreSettings) -> None:
    """With thousands of groups, messages and texts each such query names its index and scans no table."""
    assert unindexed(plans_of(store_settings, CROWD, INDEXES, VALUES), INDEXES, SCANS) == {}


def test_claim_gives_the_first_text_of_each_chat_behind_a_backlog(house: Household) -> None:
    """A chat with many waiting texts gives its first one, and others give theirs."""
    garden = ChatJid("local:garden")
    house.say("k")
    house.say("g", chat_jid=garden)
    texts = [reply(f"k{number}") for number in range(100)]
    house.store.outbox.enqueue([*texts, reply("g0", garden)], handled=None, now=house.now)
    assert {row.outbox_id for row in house.claim()} == {"g0", "k0"}
