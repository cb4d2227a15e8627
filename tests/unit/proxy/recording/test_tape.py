"""What is noted of exchanges takes a bounded room."""

from proxy.recording.tape import OVERHEAD, Room, Tape


def test_a_tape_holds_what_there_is_room_for():
    room = Room(OVERHEAD + 100)
    tape = Tape(room, 0.0, 0.0, {})
    assert tape.keep(100)
    assert room.held == OVERHEAD + 100
    tape.release()
    assert room.held == 0


def test_a_tape_without_room_is_lost_as_a_whole_and_gives_back_what_it_held():
    room = Room(OVERHEAD + 100)
    tape = Tape(room, 0.0, 0.0, {})
    tape.body, tape.pieces = b"body", [b"piece"]
    assert tape.keep(60)
    assert not tape.keep(41)
    assert (tape.lost, tape.body, tape.pieces, room.held) == (True, None, [], 0)
    assert not tape.keep(1), "what is lost stays so"
    assert room.held == 0


def test_a_tape_that_finds_no_room_at_its_begin_is_lost():
    assert Tape(Room(OVERHEAD - 1), 0.0, 0.0, {}).lost
