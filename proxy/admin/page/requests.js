// The last requests, each with its way.

import { byId, cell, html, keep, say, show } from "./dom.js";
import { KINDS, NONE, clock, many, ms, usd } from "./words.js";

function tried(one) {
  const status = one.status && one.kind !== "ok" ? ` (${one.status})` : "";
  return html(
    "li",
    { class: one.kind === "ok" ? "well" : "bad" },
    html("span", { class: "name" }, one.target),
    ` ${KINDS[one.kind] ?? one.kind}${status}, ${ms(one.ms)}`,
  );
}

const passed = (one) =>
  html("li", { class: "quiet passed" }, html("span", { class: "name" }, one.target), ` was passed over: ${one.reason}`);

/** On narrow screens its label stands above it. */
function wide(element) {
  element.classList.add("wide");
  return element;
}

function wayOf(one) {
  const steps = [...one.attempts.map(tried), ...one.skipped.map(passed)];
  return steps.length ? html("ol", { class: "steps" }, ...steps) : html("span", {}, "nobody was called");
}

function answerOf(one) {
  const good = one.status > 0 && one.status < 400 && !one.kind;
  const parts = [html("span", { class: "badge", "data-state": good ? "well" : "bad" }, String(one.status || NONE))];
  if (one.provider) parts.push(" ", html("span", { class: "name" }, `${one.provider}/${one.model}`));
  if (one.code) parts.push(" ", one.code);
  else if (one.kind) parts.push(" ", one.kind);
  return parts;
}

function askedOf(one) {
  const notes = [one.stream ? "stream" : "", one.client ? `client ${one.client}` : ""].filter(Boolean).join(", ");
  return [
    html("span", { class: "name" }, one.asked || one.route),
    notes && html("span", { class: "quiet" }, ` ${notes}`),
    one.choice && html("span", { class: "quiet block" }, `chosen: ${one.choice.reason}`),
  ].map((part) => part || null);
}

const tokensOf = (one) =>
  one.tokens_in === null ? NONE : `${many(one.tokens_in)} in, ${many(one.tokens_out)} out`;

const tookOf = (one) =>
  one.first_token_ms === null ? ms(one.ms) : `${ms(one.ms)}, first token ${ms(one.first_token_ms)}`;

function rowOf(one) {
  return html(
    "tr",
    { role: "row", "data-id": one.id },
    html("th", { class: "time", role: "rowheader", scope: "row", title: one.id }, clock(one.time)),
    cell("Asked for", ...askedOf(one)),
    cell("Told", ...answerOf(one)),
    wide(cell("Attempts", wayOf(one))),
    cell("Took", tookOf(one)),
    cell("Tokens", tokensOf(one)),
    cell("Cost", usd(one.cost_usd)),
  );
}

const FEW = 20;
let all = false;

/** `again` is called once more of them, or fewer, are to be shown. */
export function onMore(again) {
  byId("more-requests").addEventListener("click", () => {
    all = !all;
    again();
  });
}

export function drawRequests(seen) {
  keep(byId("requests").tBodies[0], all ? seen.requests : seen.requests.slice(0, FEW), rowOf);
  show(byId("more-requests"), seen.requests.length > FEW);
  say(byId("more-requests"), all ? `Show the last ${FEW}` : `Show all ${seen.requests.length}`);
  byId("more-requests").setAttribute("aria-expanded", String(all));
  show(byId("requests"), seen.requests.length > 0);
  show(byId("no-requests"), seen.requests.length === 0);
  say(byId("example"), seen.example);
}
