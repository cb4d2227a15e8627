// How models fared in the last days, by the records of usage; only where the port answers for it.

import { byId, cell, html, say, show } from "./dom.js";
import { headers, messageOf } from "./stream.js";
import { NONE, many, ms, percent, usd } from "./words.js";

const PERFORMANCE = "/api/v1/models/performance";
const EVERY_S = 15;
const SHOWN = 20; // those with the most requests
const EASE = 20; // figures that take long to make are asked for as much more seldom
const LEADERS = { cost_leader: "Costs least", quality_leader: "Answers best", balanced_choice: "Balanced" };

let timer = 0;

const known = (value, told) => (value === null ? NONE : told(value));

function rowOf(row) {
  const { quality, scores } = row.samples;
  const said = scores ? `${quality} samples, ${scores} of them given` : `${quality} samples`;
  return html(
    "tr",
    { role: "row" },
    html("th", { role: "rowheader", scope: "row" }, row.model, html("span", { class: "quiet block" }, row.kind)),
    cell("Requests", many(row.total_generations)),
    cell("Success", percent(row.success_rate)),
    cell("Mean", ms(row.avg_processing_time_ms)),
    cell("p50 / p95", `${ms(row.p50_processing_time_ms)} / ${ms(row.p95_processing_time_ms)}`),
    cell("Cost each", usd(row.avg_cost_per_generation)),
    cell(
      "Quality",
      known(row.avg_quality_score, (value) => value.toFixed(2)),
      quality ? html("span", { class: "quiet block" }, said) : null,
    ),
  );
}

function leaderOf([name, title], { recommendations, minimum_samples }) {
  const found = recommendations[name];
  const told = found
    ? `${found.model}, by ${many(found.samples)} requests`
    : `nobody yet: that takes ${minimum_samples} requests of one model, and their ${name === "quality_leader" ? "quality" : "cost"}`;
  return html("li", {}, html("span", { class: "name" }, `${title}: `), told);
}

function draw(told) {
  const any = told.models.length > 0;
  byId("models").tBodies[0].replaceChildren(...told.models.slice(0, SHOWN).map(rowOf));
  byId("leaders").replaceChildren(...(any ? Object.entries(LEADERS).map((one) => leaderOf(one, told)) : []));
  show(byId("models"), any);
  show(byId("leaders"), any);
  const more = told.models.length - SHOWN;
  show(byId("more-models"), more > 0);
  say(byId("more-models"), `${more} models with fewer requests are not shown; ${PERFORMANCE} has them.`);
  show(byId("no-models"), !any);
  say(byId("no-models"), told.hint ?? "No request of the last seven days has a record yet.");
}

async function ask(token) {
  const response = await fetch(PERFORMANCE, { headers: headers(token()) });
  if (response.ok) return draw(await response.json());
  if (response.status === 503) return; // others wait for theirs: the next time
  draw({ models: [], hint: await messageOf(response) });
}

/** Asks now and again how they fare, where `pages` names it, unless `idle()`. */
export function openModels(pages, token, idle) {
  clearTimeout(timer);
  show(byId("models-part"), pages.includes(PERFORMANCE));
  if (!pages.includes(PERFORMANCE)) return;
  const again = async () => {
    const began = performance.now();
    if (!document.hidden && !idle()) await ask(token).catch(() => {});
    timer = setTimeout(again, Math.max(EVERY_S * 1000, EASE * (performance.now() - began)));
  };
  again();
}
