// What an eye would see wrong on a page, as a list of sentences. Runs in the page, after it is loaded.
const wrong = [];
const root = document.documentElement;
const wide = window.innerWidth;

const name = (element) => {
  const id = element.id ? "#" + element.id : "";
  const classes = [...element.classList].map((c) => "." + c).join("");
  return element.tagName.toLowerCase() + id + classes;
};
const style = (element) => getComputedStyle(element);

// Wider than the window: the whole page moves sideways.
const width = arguments[0];
if (root.scrollWidth > width) {
  const out = [...document.body.querySelectorAll("*")]
    .filter((e) => e.getBoundingClientRect().right > width + 1)
    .slice(0, 4)
    .map(name);
  wrong.push(`the page is ${root.scrollWidth} px wide in a window of ${width}: ${out.join(", ")}`);
}

// Text that leaves the box it was drawn into. Boxes that scroll are left, and so is what is cut on purpose with "…".
const shows = (element) => !element.closest(".sr-only, .skip, [hidden], .sprite, .off-screen") && element.checkVisibility({ visibilityProperty: true });
// Cut away for the eye and kept for those who hear the page.
const hidden = (element) => {
  for (let box = element; box; box = box.parentElement) if (style(box).clipPath !== "none") return true;
  return false;
};
const shortened = (s) => s.textOverflow === "ellipsis" || s.webkitLineClamp !== "none";
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const range = document.createRange();
const seen = new Set();
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  if (!node.textContent.trim() || !shows(node.parentElement) || hidden(node.parentElement)) continue;
  range.selectNodeContents(node);
  const text = range.getBoundingClientRect();
  if (text.width === 0) continue;
  for (let box = node.parentElement; box && box !== document.body; box = box.parentElement) {
    const s = style(box);
    if (/auto|scroll/.test(s.overflowX) || shortened(s)) break;
    const drawn = s.overflowX !== "visible" || parseFloat(s.borderRightWidth) > 0 || s.backgroundColor !== "rgba(0, 0, 0, 0)";
    if (!drawn || s.display === "inline") continue;
    const edge = box.getBoundingClientRect();
    const over = Math.max(text.right - edge.right, edge.left - text.left);
    const below = s.overflowY !== "visible" && !/auto|scroll/.test(s.overflowY) ? text.bottom - edge.bottom : 0;
    if (over > 1.5 || below > 2) {
      const said = `text leaves ${name(box)} by ${Math.round(Math.max(over, below))} px: "${node.textContent.trim().slice(0, 40)}"`;
      if (!seen.has(said)) wrong.push(said);
      seen.add(said);
      break;
    }
  }
}

// Controls that cannot be reached without scrolling sideways.
for (const control of document.querySelectorAll("button, summary, .button, select, input:not([type=hidden])")) {
  if (!shows(control)) continue;
  const box = control.getBoundingClientRect();
  if (box.width > 0 && box.right > wide + 1 && !control.closest(".table, pre, .tabs, .rail, .filters")) wrong.push(`${name(control)} is beyond the right edge`);
}

// The tab one is on, out of sight in its row.
for (const tab of document.querySelectorAll(".tabs [aria-current], .rail [aria-current]")) {
  const box = tab.getBoundingClientRect();
  if (shows(tab) && (box.right > wide + 1 || box.left < -1)) wrong.push(`the present tab ${name(tab)} is out of sight`);
}

// Requests: only to this marketplace.
const entries = performance.getEntriesByType("resource");
for (const entry of entries) {
  if (!entry.name.startsWith(location.origin)) wrong.push(`a request to ${entry.name}`);
}

// Pictures that did not come.
for (const picture of document.images) {
  if (picture.complete && picture.naturalWidth === 0 && shows(picture)) wrong.push(`a broken picture: ${picture.src}`);
}

// One id, one element; one heading of the first level.
const ids = new Set();
for (const element of document.querySelectorAll("[id]")) {
  if (ids.has(element.id)) wrong.push(`two elements with the id ${element.id}`);
  ids.add(element.id);
}
if (document.querySelectorAll("h1").length !== 1) wrong.push(`${document.querySelectorAll("h1").length} headings of the first level`);

// What the page weighs, in bytes on the wire, and whether anything moved after it was drawn.
const page = performance.getEntriesByType("navigation")[0];
const own = entries.filter((e) => /\.(css|js)(\?|$)/.test(e.name));
const weight = own.reduce((sum, e) => sum + e.encodedBodySize, page ? page.encodedBodySize : 0);
const shift = await new Promise((told) => {
  let sum = 0;
  const watch = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  });
  watch.observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => told(sum)));
});
return { wrong, weight, shift };
