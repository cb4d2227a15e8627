// The table of targets, keys that are off, and looks at providers.

import { byId, cell, html, keep, say, show } from "./dom.js";
import { KINDS, NONE, lasting, many, ms, pair, percent } from "./words.js";

/** A target's state in a word, and how it is shown: well, warn, bad or wait. */
export function stateOf(row) {
  const { state, ramp } = row.breaker;
  if (state === "OPEN") return ["open", "bad"];
  if (state === "PROBE") return ["half-open", "warn"];
  if (state === "RAMP") return [`recovering, ${Math.round((ramp ?? 0) * 100)}%`, "warn"];
  if (!row.called) return ["not called yet", "wait"];
  return ["closed", "well"];
}

function nowOf(row) {
  const parts = [row.blocked || (row.called ? "free" : NONE), ...row.notes];
  if (row.in_flight) parts.push(`${row.in_flight} in flight`);
  return parts.join("; ");
}

function callsOf({ outcomes }) {
  const all = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  const others = Object.entries(outcomes).filter(([kind]) => kind !== "ok");
  if (!others.length) return [many(all)];
  const told = others.map(([kind, count]) => `${many(count)} ${kind}`).join(", ");
  const title = others.map(([kind, count]) => `${many(count)} times it ${KINDS[kind] ?? kind}`).join(", ");
  return [many(all), html("span", { class: "quiet", title }, ` (${told})`)];
}

function rowOf(row) {
  const [word, state] = stateOf(row);
  const health = row.health;
  return html(
    "tr",
    { role: "row", "data-target": row.target },
    html("th", { role: "rowheader", scope: "row" }, row.target),
    cell("Breaker", html("span", { class: "badge", "data-state": state }, word)),
    cell("Now", nowOf(row)),
    cell("Success", percent(health.success_ratio)),
    cell("Calls", ...callsOf(health)),
    cell("Answer p50 / p95", pair(health.latency_ms)),
    cell("First token p50 / p95", pair(health.first_token_ms)),
  );
}

function lookOf([name, look]) {
  const known = { true: ["up", "well"], false: ["down", "bad"] };
  const [word, state] = known[look.up] ?? ["unknown", "wait"];
  const found = look.ago_s === null ? "not looked at yet" : `${look.why}, ${lasting(look.ago_s)} ago, ${ms(look.ms)}`;
  return html(
    "li",
    {},
    html("strong", {}, name),
    " ",
    html("span", { class: "badge", "data-state": state }, word),
    ` ${found}; next look in ${lasting(look.next_in_s)}`,
  );
}

/** The breakers of those that were called, without how far a recovery is: what is read out when it changes. */
const breakersOf = (rows) =>
  new Map(rows.filter((row) => row.called).map((row) => [row.target, stateOf(row)[0].split(",")[0]]));

let known = new Map();

function news(rows) {
  const before = known;
  known = breakersOf(rows);
  return [...known]
    .filter(([target, state]) => before.has(target) && before.get(target) !== state)
    .map(([target, state]) => `${target}: breaker ${state}`);
}

export function drawTargets(seen) {
  const rows = seen.order.map((name) => seen.rows.get(name));
  keep(byId("targets").tBodies[0], rows, rowOf);
  show(byId("targets"), rows.length > 0);
  show(byId("no-targets"), rows.length === 0);
  show(byId("more"), seen.more > 0);
  say(byId("more"), `and ${many(seen.more)} more, which sidestep health lists`);
  show(byId("keys"), seen.keys.length > 0);
  byId("keys").replaceChildren(...seen.keys.map((key) => html("li", {}, `Key ${key}`)));
  const looks = Object.entries(seen.probes);
  show(byId("looks-part"), looks.length > 0);
  byId("looks").replaceChildren(...looks.map(lookOf));
  const told = news(rows);
  if (told.length) say(byId("news"), told.join("; "));
}
