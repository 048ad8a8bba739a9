/* Narrows the list of the search page down while somebody types. It reads nothing but this page, asks no server,
   and keeps nothing. Without it the page is the whole list. */
(() => {
  "use strict";
  const form = document.querySelector("#search-form");
  const field = document.querySelector("#search-field");
  const told = document.querySelector("#search-told");
  const list = document.querySelector("#search-list");
  if (!form || !field || !told || !list) return;

  const LETTERS = { "ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue" };
  const fold = (text) =>
    text.normalize("NFC").toLowerCase().replace(/[ßäöü]/g, (one) => LETTERS[one]).normalize("NFKD").replace(/\p{M}/gu, "");
  const rows = [...list.children].map((row, place) => ({
    row, place, title: fold(row.querySelector("a").textContent), words: row.dataset.words || "",
  }));

  /* Every word must be found; one at the beginning of a title counts most. */
  const weigh = (one, word) => {
    if (one.title.startsWith(word)) return 8;
    if (new RegExp(`(^|[^\\p{L}\\p{N}])${word}`, "u").test(one.title)) return 6;
    if (one.title.includes(word)) return 4;
    if (` ${one.words}`.includes(` ${word}`)) return 2;
    return one.words.includes(word) ? 1 : 0;
  };
  const show = () => {
    const words = fold(field.value).match(/[\p{L}\p{N}]+/gu) || [];
    let found = 0;
    for (const one of rows) {
      const weights = words.map((word) => weigh(one, word));
      one.weight = weights.includes(0) ? 0 : 1 + weights.reduce((sum, weight) => sum + weight, 0);
      one.row.hidden = one.weight === 0;
      found += one.row.hidden ? 0 : 1;
    }
    const order = words.length ? [...rows].sort((a, b) => b.weight - a.weight || a.place - b.place) : rows;
    list.append(...order.map((one) => one.row));
    const say = words.length ? (found === 0 ? told.dataset.none : found === 1 ? told.dataset.one : told.dataset.many) : told.dataset.all;
    told.textContent = say.replace("{}", String(words.length ? found : rows.length));
  };

  let waiting;
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 120); });
  form.addEventListener("submit", (event) => { event.preventDefault(); show(); });
  field.value = new URLSearchParams(location.search).get("q") || "";
  show();
})();
