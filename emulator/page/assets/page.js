// Keeps the page as the tenant is: asks for what changed, and puts it in place without touching the rest. What a person
// opened, wrote or focused stays. Without this script the page is whole, but stands still.
"use strict";

const page = document.getElementById("page");
const live = document.getElementById("live");
const now = document.getElementById("now");
let version = null; // of what is shown; null: read everything
let rest = 400; // milliseconds until the next look
let timer = 0;
let looking = null;
let behind = false;
let silence = 0;

// The tenant's clock: its time at a moment of this machine, and how fast it goes.
const clock = { time: Date.parse(now.dateTime), at: performance.now(), scale: Number(now.dataset.scale) };
const tenantTime = () => clock.time + (performance.now() - clock.at) * clock.scale;

document.documentElement.classList.add("scripted");
live.textContent = "";

// ---- putting what is new in place -------------------------------------------------------------------------------

function follow(from, to) {
  if (to.hasAttribute("data-same") || from.isEqualNode(to)) return;
  attributes(from, to);
  if (from.nodeName !== "SELECT" || document.activeElement !== from) children(from, to);
}

const written = (field) => field.type !== "hidden" && field.value !== field.defaultValue;

// What belongs to the person and not to the tenant: whether something is open, and what was written into a field.
function kept(element) {
  if (element.nodeName === "DETAILS") return ["open"];
  return element.nodeName === "INPUT" && written(element) ? ["value"] : [];
}

function attributes(from, to) {
  const own = kept(from);
  for (const { name, value } of to.attributes) {
    if (!own.includes(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!own.includes(name) && !to.hasAttribute(name)) from.removeAttribute(name);
  }
}

function children(from, to) {
  const known = new Map();
  for (const child of from.children) if (child.id) known.set(child.id, child);
  let place = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const match = wanted.id ? known.get(wanted.id) : alike(place, wanted) ? place : null;
    if (!match || match.nodeName !== wanted.nodeName) {
      from.insertBefore(document.importNode(wanted, true), place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else from.insertBefore(match, place);
    if (match.nodeType === Node.ELEMENT_NODE) follow(match, wanted);
    else if (match.data !== wanted.data) match.data = wanted.data;
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

const alike = (one, other) => one && !one.id && one.nodeName === other.nodeName;

function put(html) {
  const read = new DOMParser().parseFromString(html, "text/html");
  const wanted = read.getElementById("page");
  if (!wanted) return;
  const focused = document.activeElement;
  follow(page, wanted);
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  document.title = page.dataset.title;
  for (const form of page.querySelectorAll("form.offer")) if ([...form.querySelectorAll("input")].some(written)) line(form);
  tick();
}

// ---- asking -----------------------------------------------------------------------------------------------------

async function read(address, { whole = false, ...options } = {}) {
  if (looking) looking.abort();
  clearTimeout(timer);
  const asking = (looking = new AbortController());
  try {
    const answer = await fetch(address, { ...options, headers: whole ? {} : have(), signal: asking.signal });
    version = answer.headers.get("Page-Version");
    rest = 1000 * Number(answer.headers.get("Page-Rest") || 1);
    clock.time = Date.parse(answer.headers.get("Tenant-Time"));
    clock.at = performance.now();
    if (answer.status !== 204) put(await answer.text());
    say(false);
  } catch (error) {
    if (error.name === "AbortError") return;
    rest = 2000;
    say(true);
  }
  if (looking === asking) {
    looking = null;
    next();
  }
}

function have() {
  const regions = [...page.querySelectorAll(".region")];
  const known = regions.map((each) => `${each.id}:${each.dataset.digest}`).join(",");
  return { "Page-Version": version || "none", "Page-Have": known };
}

function next() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(() => read(location.href), rest);
}

function say(lost) {
  if (lost === behind) return;
  behind = lost;
  live.textContent = lost ? "The emulator does not answer; waiting for it." : "";
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : read(location.href)));

// ---- time that passes --------------------------------------------------------------------------------------------

function words(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

function text(element, wanted) {
  if (element.textContent !== wanted) element.textContent = wanted;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function tick() {
  const time = tenantTime();
  const moment = new Date(time);
  text(now, `${moment.getUTCDate()} ${MONTHS[moment.getUTCMonth()]} ${moment.toISOString().slice(11, 16)}`);
  for (const each of page.querySelectorAll("time[data-show]")) {
    const seconds = (Date.parse(each.dateTime) - time) / 1000;
    if (each.dataset.show === "age") text(each, `for ${words(Math.max(0, -seconds))}`);
    else text(each, seconds > 0 ? `${words(seconds)} left` : "due");
  }
  for (const each of page.querySelectorAll("[data-from]")) {
    const [from, until] = [Date.parse(each.dataset.from), Date.parse(each.dataset.until)];
    const part = until > from ? Math.min(1, Math.max(0, (time - from) / (until - from))) : 1;
    if (each.dataset.full) each.setAttribute("width", Number(each.dataset.full) * part);
    else each.value = part;
  }
}

setInterval(() => document.hidden || tick(), 250);

// ---- what a person does ------------------------------------------------------------------------------------------

function go(address, remember) {
  history[remember ? "pushState" : "replaceState"](null, "", address);
  return turn();
}

// Another address shows something else, though nothing has changed in the tenant.
function turn() {
  version = null;
  return read(location.href);
}

const opened = () => new URLSearchParams(location.search).get("map");

// Opens a map, or closes the one that is open: the focus goes along, so that a screen reader does.
async function open(address) {
  const before = opened();
  await go(address, true);
  const after = opened();
  if (after === before) return;
  const target = after ? document.getElementById("map") : document.getElementById(`map-${before}`);
  target?.focus({ preventScroll: Boolean(after) });
  document.getElementById(`map-${after}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function tell(words) {
  live.textContent = words;
  clearTimeout(silence);
  silence = setTimeout(() => behind || (live.textContent = ""), 6000);
}

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy], [data-copy-line]");
  if (copy) {
    const line = copy.dataset.copy || copy.parentElement.querySelector("code").textContent;
    navigator.clipboard.writeText(line).then(() => tell("Copied."));
    return;
  }
  const link = event.target.closest("a[data-go]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  open(link.getAttribute("href"));
});

addEventListener("popstate", turn);

document.addEventListener("submit", (event) => {
  const form = event.target;
  event.preventDefault();
  if (form.method === "get") return go(address(form), true);
  const button = event.submitter;
  if (button) button.disabled = true;
  const body = new URLSearchParams(new FormData(form));
  read("/do", { whole: true, method: "POST", body }).then(() => {
    if (button) button.disabled = false;
    const done = document.querySelector("#performed li p");
    if (done) tell(done.textContent);
  });
});

function address(form) {
  const chosen = [...new FormData(form)].filter(([, value]) => value !== "");
  const query = new URLSearchParams(chosen).toString();
  return form.getAttribute("action") + (query ? `?${query}` : "");
}

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form) return;
  if (form.hasAttribute("data-filter")) go(address(form), false);
  else line(form);
});

// The curl line beside a button says what the button would send now.
function line(form) {
  const code = form.querySelector(".curl code");
  const members = JSON.parse(form.elements.members.value);
  const numbers = [...form.querySelectorAll("[name=number]")].map((each) => each.value);
  for (const [key, value] of new FormData(form)) {
    const name = key.slice("field.".length);
    if (key.startsWith("field.")) members[name] = numbers.includes(name) ? Number(value) : value;
  }
  const body = JSON.stringify(members).replace(/'/g, `'"'"'`);
  code.textContent = code.textContent.replace(/ -d [^]*$/, "") + ` -d '${body}'`;
}

function light(id) {
  for (const path of page.querySelectorAll(".lines path")) {
    path.classList.toggle("lit", Boolean(id) && (path.dataset.by === id || path.dataset.needed === id));
  }
}

for (const [on, off] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
  const of = (event) => event.target.closest && event.target.closest("[data-map]");
  document.addEventListener(on, (event) => of(event) && light(of(event).dataset.map));
  document.addEventListener(off, (event) => of(event) && light(page.querySelector("[data-map].selected")?.dataset.map));
}

tick();
read(location.href);
