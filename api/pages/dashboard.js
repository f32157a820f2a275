"use strict";

const EVERY = 1000;
const MINUTES = 30;
const STATUSES = ["PENDING", "PAID", "PAYMENT_FAILED"];

const at = (id) => document.getElementById(id);
const day = (date) => date.toISOString().slice(0, 10);
const minute = (date) => date.toISOString().slice(0, 16);
let before = new Map();

async function get(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (!answer.ok && answer.status !== 503) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function money(amount, currency) {
  const [whole, cents = ""] = amount.split(".");
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ",")}.${cents.padEnd(2, "0")} ${currency}`;
}

async function showRevenue() {
  const now = new Date();
  const tomorrow = new Date(now.getTime() + 86400000);
  const { items } = await get(`/api/analytics/revenue?from=${day(now)}&to=${day(tomorrow)}`);
  at("revenue").replaceChildren(...items.map(({ currency, total, buckets }) => {
    const tile = element("div");
    tile.append(element("strong", money(total, currency)));
    tile.append(element("span", `${buckets.reduce((sum, bucket) => sum + bucket.orders, 0)} paid orders`));
    return tile;
  }));
}

async function showMinutes() {
  const found = await get(`/api/tables/tally_by_minute?prefix=${encodeURIComponent("all|")}&descending=true&limit=${MINUTES}`);
  const counts = new Map(found.items.map(({ key, value }) => [key.split("|")[1].slice(0, 16), value.orders]));
  const now = Date.now();
  const series = Array.from({ length: MINUTES }, (_, back) => {
    const start = minute(new Date(now - (MINUTES - 1 - back) * 60000));
    return [start, counts.get(start) ?? 0];
  });
  const most = Math.max(1, ...series.map(([, count]) => count));
  at("minutes").replaceChildren(...series.map(([start, count]) => {
    const bar = element("i");
    bar.style.height = `${(100 * count) / most}%`;
    bar.title = `${start.slice(11)}Z: ${count}`;
    return bar;
  }));
}

function speed(name, handled) {
  const now = performance.now();
  const [then, had] = before.get(name) ?? [now, handled];
  before.set(name, [now, handled]);
  return now > then ? Math.max(0, (1000 * (handled - had)) / (now - then)).toFixed(1) : "";
}

async function showAgents() {
  const { status, degraded, agents } = await get("/readyz");
  at("state").textContent = status === "ok" ? "all is well" : status;
  at("state").className = status === "ok" ? "" : "alarm";
  at("degraded").replaceChildren(...degraded.map((sentence) => element("li", sentence)));
  at("agents").replaceChildren(...agents.map((agent) => {
    const row = element("tr");
    const name = `${agent.service}.${agent.agent}`;
    const state = element("td", agent.state, agent.state);
    state.title = agent.reason;
    row.append(element("td", name), element("td", agent.source), state);
    for (const number of [speed(name, agent.handled), agent.handled, agent.repeats ?? "", agent.dead ?? ""]) {
      row.append(element("td", String(number), "number"));
    }
    return row;
  }));
}

async function showOrders() {
  const pages = await Promise.all(STATUSES.map((status) => get(`/api/tables/orders?status=${status}&limit=6`)));
  at("orders").replaceChildren(...pages.map(({ items }, index) => {
    const column = element("div");
    column.append(element("h3", STATUSES[index]));
    for (const { key, value } of items) {
      const link = element("a");
      link.href = `/api/orders/${key}/history`;
      link.append(element("span", key.slice(0, 8)), element("span", money(value.total, value.currency)));
      column.append(link);
    }
    return column;
  }));
}

async function refresh() {
  try {
    await Promise.all([showRevenue(), showMinutes(), showAgents(), showOrders()]);
  } catch (error) {
    at("state").textContent = `no answer (${error.message}); trying again`;
    at("state").className = "alarm";
  }
  setTimeout(refresh, EVERY);
}

refresh();
