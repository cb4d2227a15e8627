// How numbers and outcomes are told.

export const NONE = "–";

/** Why an attempt was not the answer, by the kind of its fault. */
export const KINDS = {
  ok: "answered",
  connect: "could not be reached",
  timeout: "took too long",
  server: "failed",
  overloaded: "is overloaded",
  throttled: "asked to wait",
  quota: "is out of quota",
  auth: "refused the key",
  missing: "has no such model",
  refused: "refused the request",
  too_long: "has no room for so long a request",
  content: "filtered the content",
  protocol: "broke its protocol",
  cancelled: "was not needed any more: the client left",
  deadline: "had no time left",
  shed: "was given up: this proxy had no means left",
};

export function ms(value) {
  if (value === null || value === undefined) return NONE;
  if (value >= 60000) return `${(value / 60000).toFixed(1)} min`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return `${value < 10 && !Number.isInteger(value) ? value.toFixed(1) : value.toFixed(0)} ms`;
}

export const pair = (times) => (times ? `${ms(times.p50)} / ${ms(times.p95)}` : NONE);

export const percent = (part) => (part === null ? NONE : `${(part * 100).toFixed(part === 1 ? 0 : 1)}%`);

/** A length of time in its two largest units. */
export function lasting(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, length]) => seconds >= length);
  if (first < 0) return "0 s";
  let rest = Math.floor(seconds);
  const parts = units.slice(first, first + 2).map(([unit, length]) => {
    const count = Math.floor(rest / length);
    rest -= count * length;
    return count ? `${count} ${unit}` : "";
  });
  return parts.filter(Boolean).join(" ");
}

/** The time of day here. */
export const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false });

export function usd(value) {
  if (value === null) return NONE;
  if (value >= 1 || value === 0) return `$${value.toFixed(2)}`;
  const places = 1 - Math.floor(Math.log10(value));
  return `$${value.toFixed(Math.min(places, 12))}`; // never 2.0e-7
}

/** A count with a mark between thousands. */
export const many = (count) => count.toLocaleString("en");
