"""Who a request counts for, what of it is limited, and what one exchange has reserved and been billed. The store that
balances are kept in is `proxy.ledger`."""
