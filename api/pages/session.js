/* Whoever has logged in on this page, by its form `login`. The tokens are kept nowhere else, so that they end with it. */

let tokens = null;

export const accessToken = () => tokens?.accessToken ?? null;

/* The form logs in; then what was waiting for it is done. */
export function asksForLogin(then) {
  form().addEventListener("submit", (event) => {
    event.preventDefault();
    login(event.target, then);
  });
}

/* The answer to a request with the token. Where that does not count, the form is shown. */
export async function fetched(path, accept = "application/json") {
  let answer = await ask(path, accept);
  if (answer.status === 401 && await renewed()) answer = await ask(path, accept);
  if (answer.status === 401) form().hidden = false;
  return answer;
}

/* A refresh token counts once: whoever needs new tokens waits for the same ones. */
let renewing = null;

export function renewed() {
  if (tokens) renewing ??= renew().finally(() => { renewing = null; });
  return renewing ?? false;
}

const form = () => document.getElementById("login");

function ask(path, accept) {
  const headers = { accept };
  if (tokens) headers.authorization = `Bearer ${tokens.accessToken}`;
  return fetch(path, { headers });
}

function post(path, body) {
  return fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

async function renew() {
  const answer = await post("/api/auth/refresh", { refreshToken: tokens.refreshToken });
  if (answer.ok) tokens = await answer.json();
  else if (answer.status === 401) tokens = null;
  return answer.ok;
}

async function login(form, then) {
  const answer = await post("/api/auth/login", { email: form.email.value, password: form.password.value });
  const body = await answer.json();
  document.getElementById("refused").textContent = answer.ok ? "" : body.detail;
  if (!answer.ok) return;
  form.reset();
  form.hidden = true;
  tokens = body;
  then();
}
