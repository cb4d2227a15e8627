from proxy.config.selection import Selection
from proxy.selection.choosers import chooser_for


def test_where_nothing_is_chosen_there_is_no_chooser():
    assert chooser_for(Selection(), None, None) is None
