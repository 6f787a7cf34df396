from results.report.wording import one_line, sentence, sentences


def test_white_space_becomes_one_space():
    assert one_line("  two\n\tlines  ") == "two lines"


def test_control_characters_are_spelt_out():
    assert one_line("\x1b[31mred\x1b[0m\x07\u202e") == "\\x1b[31mred\\x1b[0m\\x07\\u202e"


def test_other_scripts_stay_as_they_are():
    assert one_line("Größe 大きさ ± µs") == "Größe 大きさ ± µs"


def test_a_sentence_ends_with_one_mark():
    assert [sentence("why"), sentence("why."), sentence("why?")] == ["why.", "why.", "why?"]


def test_a_mark_inside_quotes_or_brackets_ends_a_sentence():
    assert sentence('it said "gone."') == 'it said "gone."'
    assert sentence("(see the log.)\n") == "(see the log.)"
    assert sentence("no kernel for op 'Foo'") == "no kernel for op 'Foo'."


def test_a_message_and_its_hint_are_sentences_whatever_they_end_in():
    assert sentences("is it correct?", "Try another") == "is it correct? Try another."
    assert sentences("out of memory (on device 0.)", "Free it.") == (
        "out of memory (on device 0.) Free it."
    )
    assert sentences("it broke.", " ") == "it broke."
