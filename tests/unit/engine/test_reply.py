"""What a reply asks for, in all the shapes that models have been seen to write."""

import pytest

from rlm_mcp.engine import reply


@pytest.mark.parametrize("tag", ["repl", "python", "py", "", "Python", "python3"])
def test_a_block_runs_whatever_its_usual_tag(tag):
    assert reply.parse(f"Let me look.\n```{tag}\nprint(1)\n```").code == "print(1)\n"


def test_tilde_fences_are_fences():
    assert reply.parse("~~~repl\nprint('```')\n~~~\n").code == "print('```')\n"


def test_a_block_indented_as_in_a_list_is_brought_to_the_margin():
    text = "1. Look:\n    ```repl\n    if x:\n        print(1)\n    ```\n2. Then answer."
    assert reply.parse(text).code == "if x:\n    print(1)\n"


def test_only_the_first_block_runs_and_the_text_behind_it_is_dropped():
    parsed = reply.parse("```repl\na = 1\n```\nOutput: 42\n```repl\nb = 2\n```")
    assert parsed.code == "a = 1\n"
    assert parsed.kept.endswith("a = 1\n```")
    assert "42" not in parsed.kept


def test_blocks_of_other_languages_are_stepped_over():
    assert reply.parse("```json\n{}\n```\nthen\n```repl\nx = 1\n```").code == "x = 1\n"


def test_a_fence_inside_a_triple_quoted_string_does_not_cut_the_code():
    code = 'prompt = """Answer in\n```\ncode\n```\nplease"""\nprint(prompt)\n'
    assert reply.parse(f"```repl\n{code}```\nand so on").code == code


def test_a_fence_inside_an_f_string_does_not_cut_the_code_even_when_the_code_is_wrong():
    code = 'p = f"""\n```\n{x}\n```\n"""\nprint(p\n'
    parsed = reply.parse(f"```repl\n{code}```")
    assert parsed.code is None
    assert parsed.kept.endswith("print(p\n```")
    assert parsed.hint is not None


def test_an_unclosed_block_at_the_end_runs_when_it_parses():
    assert reply.parse("```python\nprint(1)").code == "print(1)"


def test_an_unclosed_block_that_does_not_parse_gets_a_hint_about_the_fence():
    parsed = reply.parse("```python\nprint((1")
    assert parsed.code is None
    assert "never closed" in str(parsed.hint)


def test_a_closing_fence_behind_the_code_is_seen():
    assert reply.parse("```repl\nprint(1)```").code == "print(1)"


def test_a_syntax_error_is_a_hint_that_names_the_line_and_shows_it():
    hint = str(reply.parse("```repl\nx = 1\ny = = 2\n```").hint)
    assert "line 2" in hint
    assert "y = = 2" in hint


def test_prose_alone_gets_a_hint():
    assert reply.parse("I think the answer is 42.").hint == reply.NO_BLOCK


def test_an_empty_block_gets_a_hint():
    assert reply.parse("```repl\n\n```").hint == reply.EMPTY_BLOCK


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("FINAL(42)", "42"),
        ('FINAL("forty two")', "forty two"),
        ("The evidence is in.\nFINAL(see f(x) [a.py:1-2])", "see f(x) [a.py:1-2]"),
        ("FINAL(line one\nline (two)\n)", "line one\nline (two)"),
        ('**FINAL("""a\nb""")**', "a\nb"),
        ("FINAL(unclosed answer", "unclosed answer"),
        ('SUBMIT(answer="yes")', "yes"),
        ("FINAL(It is `x`:\n```python\nx = 1\n```\nas said)", "It is `x`:\n```python\nx = 1\n```\nas said"),
    ],
)
def test_a_final_answer_alone_is_read_from_the_text(text, value):
    assert reply.parse(text).final == reply.Final("text", value)


@pytest.mark.parametrize("text", ['FINAL_VAR("result")', "FINAL_VAR(result)", "so\nFINAL_VAR('result', 3)"])
def test_a_final_variable_is_read_as_its_name(text):
    assert reply.parse(text).final == reply.Final("variable", "result")


@pytest.mark.parametrize("text", ["```repl\nx=1\n```\nFINAL(done)", "FINAL(done)\n```repl\nx=1\n```"])
def test_a_final_beside_a_code_block_is_refused_and_the_block_runs(text):
    parsed = reply.parse(text)
    assert parsed.final is None
    assert parsed.code == "x=1\n"
    assert parsed.notes == (reply.FINAL_BESIDE_CODE,)


def test_thinking_aloud_in_tags_is_not_part_of_the_reply():
    parsed = reply.parse("<think>FINAL(no)\n```repl\nbad\n```</think>\n```repl\ngood = 1\n```")
    assert parsed.code == "good = 1\n"
    assert parsed.notes == ()


def test_a_call_of_final_inside_the_block_belongs_to_the_cell():
    parsed = reply.parse('```repl\nFINAL("x")\n```')
    assert parsed.notes == ()
    assert parsed.code == 'FINAL("x")\n'


def test_a_reply_of_nothing_but_fences_ends_quickly():
    assert reply.parse("```repl\n'''\n" + "```\n" * 50_000).code is None
