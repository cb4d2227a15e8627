"""Whether what budgets are kept in can be written to, asked as a proxy asks it."""

from proxy.clock import Clock
from proxy.config.spending import Spending
from proxy.doctor.findings import Finding, bad, good, left
from proxy.ledger.store import Away, Unfit
from proxy.ledger.stores import store_for

SUBJECT, CHECK = "this machine", "ledger"


async def look(spending: Spending, clock: Clock) -> Finding:
    """The store is opened, asked for nothing, and closed."""
    settings = spending.ledger
    if not settings.url:
        return left(SUBJECT, CHECK, "nothing is kept")
    began = clock.now()
    store = store_for(settings, clock, hard=any(budget.hard for budget in spending.budgets))
    try:
        await store.open()
        await store.call("doctor", (), "")
    except Unfit as error:
        return bad(SUBJECT, CHECK, str(error).rstrip("."), "Mend that; until then hard budgets refuse every request.")
    except Away as error:
        return bad(SUBJECT, CHECK, str(error).rstrip("."), "See that it runs and can be reached as [ledger] url says.")
    finally:
        await store.close()
    return good(SUBJECT, CHECK, f"{settings.url} can be written to", (clock.now() - began) * 1000)
