// Which strategy chooses models, and switching it; only where there are any.

import { byId, html, say, show } from "./dom.js";
import { headers, messageOf } from "./stream.js";

const SETTINGS = "/api/v1/models/settings";
let drawn = null;
let asked = null;

function fill(settings) {
  const names = settings.available_strategies;
  const none = settings.current_strategy === null ? [html("option", { value: "" }, "none is active")] : [];
  byId("strategies").replaceChildren(...none, ...names.map((name) => html("option", { value: name }, name)));
  byId("strategies").value = settings.current_strategy ?? "";
  if (settings.current_strategy !== asked) say(byId("switched"), "");
  say(byId("decides"), settings.note);
}

/** As the stream tells it: null where this port answers for no strategies. */
export function drawStrategy(settings) {
  if (settings === drawn) return; // so that what somebody is about to choose stays
  drawn = settings;
  show(byId("strategy"), Boolean(settings?.available_strategies.length));
  if (settings) fill(settings);
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
    asked = strategy;
    fill(settings);
    const decides = settings.experiment ? `: the experiment ${settings.experiment.name} still decides` : "";
    const lasts = settings.kept ? "" : ", until this process ends";
    say(byId("switched"), decides ? `Switched to ${strategy}${decides}.` : `${strategy} chooses from now on${lasts}.`);
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
