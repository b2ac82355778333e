// What lives on a page: the live count, the dialog for traits, rows that are added and removed without a round trip.
// Everything here has a way without script.
const one = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

/** Asks the host about the form as it is, and writes the answer as text. */
const watch = (form) => {
  const place = one("[data-live]", form) ?? one("[data-live]");
  if (!place) return;
  let timer, running;
  const write = (name, text) => all(`[data-live-${name}]`).forEach((node) => { node.textContent = text ?? ""; });
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    write("state", "Counting …");
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(place.dataset.live, { method: "POST", body, signal: running.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      write("count", told.count); write("state", told.state); write("sql", told.sql); write("wrong", told.wrong);
      const list = one("[data-live-samples]");
      list?.replaceChildren(...(told.samples ?? []).map((text) => {
        const item = document.createElement("li");
        item.textContent = text;
        item.dir = "auto";
        return item;
      }));
    } catch (error) {
      if (error.name !== "AbortError") write("state", "The count is not to be had now; Preview asks again.");
    }
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 500); });
  ask();
};

/** A filter over a list of ticks. */
const filter = (input) => {
  const list = document.getElementById(input.dataset.filter);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().trim();
    let left = 0;
    all("label", list).forEach((label) => {
      label.hidden = !label.textContent.toLowerCase().includes(words);
      left += label.hidden ? 0 : 1;
    });
    const said = document.getElementById(input.dataset.said);
    if (said) said.textContent = `${left} shown`;
  });
};

/** Takes a row away and gives the focus to its neighbour. */
const removal = (event) => {
  const button = event.target.closest("button[data-remove]");
  const line = button?.closest(".line");
  if (!line) return;
  event.preventDefault();
  const form = button.form;
  const next = line.nextElementSibling ?? line.previousElementSibling;
  line.remove();
  (one("input:not([type=hidden]), select, button", next ?? form) ?? form).focus();
  form.dispatchEvent(new Event("input", { bubbles: true }));
};

const opener = (event) => {
  const open = event.target.closest("[data-opens]");
  if (open) {
    const dialog = document.getElementById(open.dataset.opens);
    event.preventDefault();
    dialog.showModal();
    dialog.addEventListener("close", () => open.focus(), { once: true });
  }
  const close = event.target.closest("[data-closes]");
  if (close) {
    event.preventDefault();
    close.closest("dialog").close();
  }
};

/** Proposes a key from a name until the key was written by hand. */
const propose = (name) => {
  const key = document.getElementById(name.dataset.proposes);
  if (!key || key.value) return;
  let own = true;
  key.addEventListener("input", () => { own = false; });
  name.addEventListener("input", () => {
    if (own) key.value = name.value.toLowerCase().normalize("NFD").replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  });
};

document.documentElement.classList.add("live");
document.addEventListener("click", removal);
document.addEventListener("click", opener);
all("form[data-watch]").forEach(watch);
all("input[data-filter]").forEach(filter);
all("input[data-proposes]").forEach(propose);
all("[data-script]").forEach((node) => { node.hidden = false; });
// A run that goes on is looked at again while somebody looks.
const again = one("[data-again]");
if (again) setInterval(() => { if (!document.hidden) location.reload(); }, Number(again.dataset.again) * 1000);
one("[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
