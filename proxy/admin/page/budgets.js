// What is spent of each budget.

import { byId, html, say, show } from "./dom.js";
import { many, percent, usd } from "./words.js";

const amount = (one, value) => (one.unit === "usd" ? usd(Number(value)) : many(value));

function spentOf(one) {
  const unit = one.unit === "usd" ? "" : ` ${one.unit}`;
  const lost = Number(one.lost) > 0 ? `, ${amount(one, one.lost)}${unit} lost with processes that died` : "";
  return `${amount(one, one.spent)} of ${amount(one, one.limit)}${unit} (${percent(one.fraction)})${lost}`;
}

function toldAt(one) {
  if (!one.told_at) return "";
  return one.told_at === "never" ? "; the store has not told it yet" : `; as of ${one.told_at}`;
}

function itemOf(one) {
  const scope = Object.entries(one.scope).map(([name, value]) => `${name} ${value}`).join(", ");
  const state = one.fraction >= 1 ? "bad" : one.fraction >= 0.8 ? "warn" : "well";
  const level = html("span", { class: "level", "data-state": state });
  level.style.width = `${Math.min(1, one.fraction) * 100}%`;
  const label = `${one.budget}${scope ? `, ${scope}` : ""}`;
  return html(
    "li",
    { class: "budget" },
    html("span", { class: "name" }, label),
    html("span", {}, spentOf(one)),
    html(
      "span",
      {
        class: "bar",
        role: "meter",
        "aria-label": label,
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        "aria-valuenow": Math.round(Math.min(1, one.fraction) * 100),
      },
      level,
    ),
    html("span", { class: "quiet" }, `${one.mode}, a ${one.window}, until ${one.window_end}; spent: ${one.when_spent}${toldAt(one)}`),
  );
}

export function drawBudgets(seen) {
  byId("budgets").replaceChildren(...seen.budgets.map(itemOf));
  show(byId("no-budgets"), seen.budgets.length === 0);
  say(
    byId("no-budgets"),
    seen.store === null
      ? "No budget is configured. [[budgets]] bounds what is spent, for each user, team, client or model."
      : "No request has counted in a budget yet.",
  );
  const trouble = seen.store !== null && seen.store !== "ok";
  show(byId("store"), trouble);
  say(byId("store"), trouble ? `The budgets' store: ${seen.store}` : "");
}
