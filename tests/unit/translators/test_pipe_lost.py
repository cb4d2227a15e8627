"""What of an answer no dialect has a word for: from a reader's delta to the report."""

from translators import openai_chat
from translators.codec import Context
from translators.fold import fold
from translators.ir import Choice, Dialect, Ended, Event, Finish, Lost, Reply, TextDelta
from translators.joined import joined
from translators.pipe import Translating, unsaid, unsaid_of
from translators.report import Report

GUESSED = Lost("answer.finish_reason", "it ended with zzz", guessed=True)
GONE = Lost("answer.citations", "no form")


class Script:
    """A reader that gives what it was told to."""

    ignored = 0
    done = True

    def __init__(self, *deltas):
        self.deltas = deltas

    def feed(self, event):
        return self.deltas

    def close(self):
        return ()


def test_a_stream_tells_it_aside_and_the_client_sees_nothing_of_it():
    context = Context(id="c", created=1, model="m")
    told = []
    lossy, plain = (
        Translating(Script(TextDelta("a"), *lost, Ended(Finish.STOP)), openai_chat.writer(context), told.append)
        for lost in ((GONE,), ())
    )
    assert lossy.feed(Event(b""))[1] == plain.feed(Event(b""))[1]
    assert told == [GONE]
    assert not lossy.shows(GONE)


def test_a_whole_answer_has_it_from_its_stream_and_from_what_went_before_a_pause():
    first = fold([TextDelta("a"), GONE, Ended(Finish.LENGTH)])
    second = fold([TextDelta("b"), GUESSED, Ended(Finish.STOP)])
    assert (first.lost, joined(first, second).lost) == ((GONE,), (GONE, GUESSED))


def test_it_is_reported_once_and_a_guess_as_approximated():
    reply = Reply(id="r", model="m", choices=(Choice((), Finish.STOP),), lost=(GONE, GUESSED, GONE))
    report = Report()
    unsaid_of(reply, Dialect.GEMINI, report)
    unsaid(GUESSED, Dialect.GEMINI, report)
    assert report.header() == "dropped=answer.citations; approximated=answer.finish_reason"
