// Which strategy chooses models, and switching it; only where the port answers for it.

import { byId, html, say, show } from "./dom.js";
import { headers, messageOf } from "./stream.js";

const SETTINGS = "/api/v1/models/settings";

function fill(settings) {
  const names = settings.available_strategies.map((one) => one.name ?? one);
  byId("strategies").replaceChildren(...names.map((name) => html("option", { value: name }, name)));
  byId("strategies").value = settings.current_strategy;
  show(byId("strategy"), names.length > 0);
  show(byId("decides"), settings.note !== undefined);
  say(byId("decides"), settings.note ?? "");
}

/** Asks what there is, where `pages` names it. */
export async function openStrategy(pages, token) {
  if (!pages.includes(SETTINGS)) return show(byId("strategy"), false);
  const response = await fetch(SETTINGS, { headers: headers(token()) });
  if (response.ok) fill(await response.json());
  else show(byId("strategy"), false);
}

async function choose(token) {
  const strategy = byId("strategies").value;
  try {
    const response = await fetch(SETTINGS, {
      method: "PUT",
      headers: { "content-type": "application/json", ...headers(token()) },
      body: JSON.stringify({ strategy }),
    });
    if (!response.ok) return say(byId("switched"), await messageOf(response));
    const settings = await response.json();
    fill(settings);
    const decides = settings.experiment ? `: the experiment ${settings.experiment.name} still decides` : "";
    say(byId("switched"), decides ? `Switched to ${strategy}${decides}.` : `${strategy} chooses from now on.`);
  } catch {
    say(byId("switched"), "Nothing was switched: the port does not answer.");
  }
}

export function onSwitch(token) {
  byId("strategy").addEventListener("submit", (event) => {
    event.preventDefault();
    choose(token);
  });
}
