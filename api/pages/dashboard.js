import { accessToken, asksForLogin, fetched, renewed } from "/dashboard/session.js";

const EVERY = 1000;
const ORDERS_EVERY = 5; // seconds
const STATUSES = [
  "PENDING", "RESERVED", "AUTHORIZED", "CAPTURING", "PAID", "SHIPPED", "DELIVERED",
  "REJECTED", "EXPIRED", "PAYMENT_FAILED", "CANCELLING", "CANCELLED",
];

const at = (id) => document.getElementById(id);
const names = new Map();
let before = new Map();

async function get(path) {
  const answer = await fetched(path);
  if (!answer.ok && answer.status !== 503) throw new Error(answer.status === 401 ? "log in" : `${path}: ${answer.status}`);
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

function rate(share) {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}

function sums(list, amount) {
  return list.filter((one) => Number(one[amount]) !== 0).map((one) => money(one[amount], one.currency)).join(", ") || "–";
}

function span(seconds) {
  if (seconds === null) return "–";
  return seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${seconds.toFixed(1)} s`;
}

const LASTS = new Map([[10, "10 seconds"], [60, "minute"], [3600, "hour"]]);

const show = {
  revenue(currencies) {
    at("revenue").replaceChildren(...currencies.map(({ currency, total, buckets }) => {
      const tile = element("div");
      tile.append(element("strong", money(total, currency)));
      tile.append(element("span", `${buckets.reduce((sum, bucket) => sum + bucket.orders, 0)} paid orders`));
      return tile;
    }));
  },

  over(spans) {
    at("over").replaceChildren(...spans.map((one) => {
      const row = element("tr");
      row.append(element("td", LASTS.get(one.seconds) ?? `${one.seconds} s`));
      const cells = [
        one.orders, one.ordersPerMinute.toFixed(1), rate(one.payments.failureRate), span(one.p95Seconds),
        sums(one.revenue, "captured"), sums(one.revenue, "refunded"),
      ];
      row.append(...cells.map((text) => element("td", String(text), "number")));
      return row;
    }));
  },

  minutes(minutes) {
    const most = Math.max(1, ...minutes.map(({ orders }) => orders));
    at("minutes").replaceChildren(...minutes.map(({ start, orders, revenue }) => {
      const bar = element("i");
      bar.style.height = `${(100 * orders) / most}%`;
      bar.title = `${start.slice(11, 16)}Z: ${orders} orders, ${sums(revenue, "amount")}`;
      return bar;
    }));
  },

  funnel(steps) {
    const most = Math.max(1, ...Object.values(steps));
    at("funnel").replaceChildren(...Object.entries(steps).map(([step, count], index, all) => {
      const row = element("div");
      const bar = element("i");
      bar.style.width = `${(100 * count) / most}%`;
      const before = index === 0 ? 0 : all[index - 1][1];
      row.append(element("span", step), bar, element("b", before ? `${count} (${rate(count / before)})` : String(count)));
      return row;
    }));
  },

  products(products) {
    at("products").replaceChildren(...products.map(({ productId, pieces }) => {
      const row = element("tr");
      row.append(element("td", names.get(productId) ?? productId), element("td", String(pieces), "number"));
      return row;
    }));
  },
};

function showSections(sections) {
  for (const [name, figures] of Object.entries(sections)) show[name]?.(figures);
}

/* A snapshot, then changes; where the connection ends, it is made again. */
function watch() {
  const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/analytics/live`;
  const socket = new WebSocket(address, accessToken() ? ["warren", `bearer.${accessToken()}`] : []);
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    showSections(message.data);
    at("live").textContent = "whole stretches of 10 seconds; the hour with the running minute";
  };
  socket.onclose = async ({ code, reason }) => {
    if (code === 4401) await renewed();
    at("live").textContent = `no figures (${reason || code}); trying again`;
    setTimeout(watch, 3 * EVERY);
  };
}

async function learnNames() {
  const { items } = await get("/api/products");
  for (const { id, name } of items) names.set(id, name);
}

function speed(name, handled) {
  const now = performance.now();
  const [then, had] = before.get(name) ?? [now, handled];
  before.set(name, [now, handled]);
  return now > then ? Math.max(0, (1000 * (handled - had)) / (now - then)).toFixed(1) : "";
}

async function showAgents() {
  const { status, degraded, agents } = await get("/readyz");
  const well = agents.length ? "all is well" : "this process is well; agents run elsewhere";
  at("state").textContent = status === "ok" ? well : status;
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

const columns = new Map();
let turn = 0;
let second = 0;

/* The server admits so many requests a minute from one address, which all of an office may look from: once each status
   was shown, one is asked for now and then. */
const orderTime = () => turn < STATUSES.length || (!document.hidden && second % ORDERS_EVERY === 0);

async function showOrders() {
  const status = STATUSES[turn++ % STATUSES.length];
  const { items } = await get(`/api/tables/orders?status=${status}&limit=6`);
  columns.set(status, items.map(({ key, value }) => {
    const link = element(accessToken() ? "span" : "a"); // a link would not send the token
    if (!accessToken()) link.href = `/api/orders/${key}/history`;
    link.append(element("span", key.slice(0, 8)), element("span", money(value.total, value.currency)));
    return link;
  }));
  const filled = STATUSES.filter((name) => columns.get(name)?.length);
  at("orders").replaceChildren(...filled.map((name) => {
    const column = element("div");
    column.append(element("h3", name), ...columns.get(name));
    return column;
  }));
}

async function refresh() {
  try {
    await Promise.all([showAgents(), orderTime() ? showOrders() : null]);
  } catch (error) {
    at("state").textContent = `no answer (${error.message}); trying again`;
    at("state").className = "alarm";
  }
  second += 1;
  setTimeout(refresh, EVERY);
}

asksForLogin(() => { learnNames().catch(() => {}); });
learnNames().catch(() => {}); // without names, products show their ids
watch();
refresh();
