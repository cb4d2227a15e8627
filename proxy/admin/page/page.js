// The live page: one picture, kept current by the stream, drawn anew when it has changed.

import { drawBudgets } from "./budgets.js";
import { Charts } from "./charts.js";
import { byId, html, say, show } from "./dom.js";
import { openModels } from "./models.js";
import { drawRequests, onMore } from "./requests.js";
import { drawStrategy, onSwitch } from "./strategy.js";
import { follow } from "./stream.js";
import { drawTargets } from "./targets.js";
import { lasting, many } from "./words.js";

const TOKEN = "sidestep-token";
const REQUESTS = 100;

const token = () => sessionStorage.getItem(TOKEN);
const charts = new Charts(byId("traffic"), byId("times"), byId("legend"), byId("measure"));
let seen = null;
let paused = false;

function begin(data) {
  seen = { ...data, rows: new Map(data.targets.map((row) => [row.target, row])) };
  seen.order = data.targets.map((row) => row.target);
  charts.begin(seen);
  openModels(seen.pages, token, () => paused);
}

function merge({ targets = [], requests = [], ...fields }) {
  Object.assign(seen, fields);
  for (const row of targets) seen.rows.set(row.target, row);
  const listed = new Set(seen.order);
  for (const name of seen.rows.keys()) if (!listed.has(name)) seen.rows.delete(name);
  const known = new Set(seen.requests.map((one) => one.id));
  seen.requests = [...requests.filter((one) => !known.has(one.id)), ...seen.requests].slice(0, REQUESTS);
  charts.count(seen);
}

function draw() {
  const facts = [
    `version ${seen.version}`,
    `up for ${lasting(seen.uptime_s)}`,
    `${many(seen.in_flight)} in flight`,
    seen.demo ? "demo: every answer is made up" : `configured by ${seen.source}`,
  ];
  say(byId("facts"), facts.join(" · "));
  drawTargets(seen);
  charts.draw(seen);
  drawBudgets(seen);
  drawStrategy(seen.strategy);
  drawRequests(seen);
}

function link(word, state) {
  say(byId("link"), word);
  byId("link").dataset.state = state;
}

function trouble(...parts) {
  const place = byId("trouble");
  show(place, parts.length > 0);
  if (place.textContent !== parts.map((part) => part.textContent ?? part).join("")) place.replaceChildren(...parts);
}

function state() {
  if (paused) link("paused", "wait");
  else if (seen.draining) link("shutting down", "warn");
  else link("live", "well");
}

function told(event, data) {
  if (event === "snapshot") begin(data);
  else merge(data);
  trouble();
  show(byId("door"), false);
  show(byId("forget"), token() !== null);
  show(byId("all"), true);
  state();
  if (!paused) draw();
}

function lost(error, seconds) {
  if (error?.status === 401) return refused(error.message);
  link("no connection", "bad");
  if (error?.status) {
    trouble(`${error.message} This is tried again by itself.`);
    return;
  }
  if (error === null && seconds < 1) return; // ended in order, as where a token is changed: look again first
  trouble(
    "The admin port does not answer; what is shown is old. Is Sidestep running? Where the way to it is ",
    html("code", {}, "kubectl port-forward"),
    " or a tunnel, open it again. This is tried again by itself.",
  );
}

function refused(message) {
  link("closed", "bad");
  show(byId("all"), false);
  const wanted = message.startsWith("Send an admin token");
  const wrong = wanted && token() !== null;
  sessionStorage.removeItem(TOKEN);
  show(byId("forget"), false);
  show(byId("door"), wanted);
  if (!wanted) trouble(message);
  else trouble(wrong ? "That token is not one of this port's. Give another." : "This port wants an admin token.");
  if (wanted) byId("token").focus();
}

const look = () => follow(token, told, lost);

byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, byId("token").value.trim());
  byId("token").value = "";
  look();
});
byId("forget").addEventListener("click", () => {
  sessionStorage.removeItem(TOKEN);
  location.reload();
});
byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  if (seen === null) return;
  state();
  if (!paused) draw();
});
onMore(() => drawRequests(seen));
onSwitch(token);
look();
