"""The rule of the ledger in Redis' own language: one call of it is one moment for every balance that it names.

A balance is a hash with a field for each owner: `granted returned spent`, in decimal. Beside them lies the store's
memory, a name made by the first call of all. Where it is another one than the owner knows, the store has lost what it
knew, and grants nothing to this owner until it has been told again.

Lua has no integers: its numbers are doubles, exact to 2^53. No amount is larger than 9e15 and so every amount is exact.
But what an owner was granted and gave back only ever grows, by the whole of a lease again and again, and passes that
within a day under a large budget. Such counters are therefore decimal texts: the larger of two is known by length and
order, and sums and differences are made of two limbs of nine digits and the rest.

Sums over owners may pass 2^53 only where they are beyond every limit, and there nothing hangs on their last digits.
"""

from typing import Final

from proxy.ledger.grants import SCARCE, SHARE
from proxy.ledger.store import BEAT_S, FORGET_S, GONE_S

CALL: Final = (
    f"local SCARCE, SHARE = {SCARCE}, {SHARE}\n"
    f"local BEAT_S, GONE_S, FORGET_S = {BEAT_S:.0f}, {GONE_S:.0f}, {FORGET_S:.0f}"
    """
-- KEYS: the memory, who lives (by owner, seconds), then balances, of which one may come twice.
-- ARGV: the owner, the memory that it knows, then for each balance: limit, least, need, chunk, force ("1" or ""),
-- expires, the owner's granted, returned, spent, how many others there are, and for each its name, granted, returned,
-- spent.
-- Answers seconds and microseconds of the clock, the memory, then for each balance a list of owners, each with its
-- counters and whether it was heard of.
local LIMB = 1000000000
local STAY_S = 60 -- what is told of a balance that may be forgotten already stays so long, for its owner's sake

local function limbs(text)
  if #text <= 9 then return 0, tonumber(text) end
  return tonumber(string.sub(text, 1, -10)), tonumber(string.sub(text, -9))
end

local function larger(a, b)
  if #a ~= #b then return #a > #b and a or b end
  return a > b and a or b
end

local function less(a, b)
  local ah, al = limbs(a)
  local bh, bl = limbs(b)
  return (ah - bh) * LIMB + (al - bl)
end

local function more(text, amount)
  local high, low = limbs(text)
  local part = math.fmod(amount, LIMB)
  low = low + part
  high = high + (amount - part) / LIMB
  if low >= LIMB then high, low = high + 1, low - LIMB end
  if high == 0 then return string.format('%.0f', low) end
  return string.format('%.0f%09.0f', high, low)
end

local function grant(limit, total, least, need, chunk)
  local free = limit - total
  if least <= 0 or free < least then return 0 end
  local given = math.min(need, free)
  if chunk > 0 and (free - given) * SCARCE >= limit then
    given = math.max(given, math.min(chunk, math.floor(free / SHARE)))
  end
  return given
end

local time = redis.call('TIME')
local owner = ARGV[1]
local at = 1
local function following()
  at = at + 1
  return ARGV[at]
end

local memory = redis.call('GET', KEYS[1])
if not memory then
  memory = time[1] .. '.' .. time[2] .. '.' .. owner
  redis.call('SET', KEYS[1], memory)
end
local known = following()
local remembers = known == '' or known == memory

local now = tonumber(time[1])
if tonumber(redis.call('HGET', KEYS[2], owner) or 0) <= now - BEAT_S then
  local seen = redis.call('HGETALL', KEYS[2])
  for i = 1, #seen, 2 do
    if tonumber(seen[i + 1]) <= now - FORGET_S then redis.call('HDEL', KEYS[2], seen[i]) end
  end
  redis.call('HSET', KEYS[2], owner, time[1])
end
local alive = {[owner] = true}
local function lives(name)
  if alive[name] == nil then alive[name] = tonumber(redis.call('HGET', KEYS[2], name) or 0) > now - GONE_S end
  return alive[name]
end

local reply = {time[1], time[2], memory}
for k = 3, #KEYS do
  local key = KEYS[k]
  local limit, least, need = tonumber(following()), tonumber(following()), tonumber(following())
  local chunk, force, expires = tonumber(following()), following() == '1', tonumber(following())

  local counts, changed = {}, {}
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    counts[fields[i]] = {string.match(fields[i + 1], '(%d+) (%d+) (%d+)')}
  end
  local function merge(name)
    local count = counts[name] or {'0', '0', '0'}
    for i = 1, 3 do
      local told = larger(count[i], following())
      if told ~= count[i] then
        count[i] = told
        changed[name] = true
      end
    end
    counts[name] = count
  end
  merge(owner)
  for _ = 1, tonumber(following()) do merge(following()) end

  local given = 0
  if remembers and force then
    given = need
  elseif remembers and least > 0 then
    local total = 0
    for _, count in pairs(counts) do total = total + less(count[1], count[2]) end
    given = grant(limit, total, least, need, chunk)
  end
  if given > 0 then
    counts[owner][1] = more(counts[owner][1], given)
    changed[owner] = true
  end

  for name in pairs(changed) do redis.call('HSET', key, name, table.concat(counts[name], ' ')) end
  if next(changed) then
    redis.call('EXPIREAT', key, string.format('%.0f', math.max(expires, now + STAY_S)))
  end

  local owners = {}
  for name, count in pairs(counts) do
    owners[#owners + 1] = name
    owners[#owners + 1] = table.concat(count, ' ') .. ' ' .. (lives(name) and '1' or '0')
  end
  reply[#reply + 1] = owners
end
return reply
"""
)
