"""What the root is sent stays small, keeps its prefix, and loses nothing that cannot be had again."""

from rlm_mcp.engine.conversation import Conversation, Turn


def turn(number, size=15_000):
    return Turn(
        number, f"```repl\nprint({number})\n```", "x" * size, f"- cell {number}: print({number}) → out[{number}]"
    )


def test_a_noisy_run_sends_less_than_thirty_kilobytes_at_turn_thirteen():
    talk = Conversation("s" * 3_300, "q" * 5_000)
    for number in range(1, 13):
        talk.add(turn(number))
    sent = sum(len(message.content) for message in talk.messages())
    assert sent < 30_000
    assert "- cell 1: print(1)" in talk.messages()[1].content
    assert talk.messages()[-1].content == "x" * 15_000, "the last turn is whole"


def test_requests_extend_the_last_one_between_foldings():
    talk = Conversation("system", "first")
    kept = 0
    for number in range(1, 60):
        before = talk.messages()
        talk.add(turn(number, 1_000))
        kept += talk.messages()[: len(before)] == before
    assert kept >= 50


def test_roles_alternate_and_the_last_message_is_the_user_s():
    talk = Conversation("system", "first")
    for number in range(40):
        talk.add(turn(number))
    roles = [message.role for message in talk.messages()]
    assert roles[:2] == ["system", "user"]
    assert roles[2:] == ["assistant", "user"] * (len(roles[2:]) // 2)


def test_folded_turns_can_still_be_had():
    talk = Conversation("system", "first")
    for number in range(1, 9):
        talk.add(turn(number))
    found = talk.turn(1)
    assert found is not None
    assert found.reply == "```repl\nprint(1)\n```"
    assert talk.turn(99) is None
