import { accessToken, asksForLogin, fetched } from "/dashboard/session.js";

const place = document.getElementById("letters");
let shown = location.search;

/* The sections come as HTML in which the server has escaped whatever users have written. */
async function show() {
  const answer = await fetched(`/outbox/letters${shown}`, "text/html");
  if (!answer.ok) {
    place.textContent = answer.status === 401 ? "" : `no letters: ${(await answer.json()).detail}`;
    return;
  }
  const letters = new DOMParser().parseFromString(await answer.text(), "text/html");
  place.replaceChildren(...letters.body.childNodes);
  scrollTo(0, 0);
}

/* A link would not send the token. */
place.addEventListener("click", (event) => {
  if (!event.target.href || !accessToken()) return;
  event.preventDefault();
  shown = new URL(event.target.href).search;
  show();
});

asksForLogin(show);
show();
