// What pages gain from script. Nothing here is required: every form is sent by its button and every state is in the URL.
// No inline handlers: elements say what they want by data attributes, and this file listens on the document.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");

  // Theme: the reader's choice wins over the system's. Before the first paint, hence not deferred.
  var key = "edgemart-theme";
  function stored() {
    try { return localStorage.getItem(key); } catch (_) { return null; }
  }
  var choice = stored();
  if ((choice === "light" || choice === "dark") && !root.hasAttribute("data-theme-fixed")) root.dataset.theme = choice;

  function toggleTheme() {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem(key, root.dataset.theme); } catch (_) { /* private window: lasts for this page */ }
  }

  function announce(text) {
    var live = document.querySelector("[data-announce]");
    if (live) { live.textContent = ""; live.textContent = text; }
  }

  function copy(button) {
    var live = document.querySelector("[data-announce]");
    var label = button.querySelector("[data-copy-label]");
    function done(ok) {
      var text = live ? live.getAttribute(ok ? "data-copied" : "data-copy-failed") : "";
      announce(text);
      button.classList.toggle("copied", ok);
      if (label && !label.classList.contains("sr-only")) {
        if (!button.dataset.label) button.dataset.label = label.textContent;
        label.textContent = ok ? text : button.dataset.label;
      }
      button.title = text;
      setTimeout(function () {
        button.classList.remove("copied");
        if (label && button.dataset.label) label.textContent = button.dataset.label;
      }, 1600);
    }
    // The clipboard exists on https and on this machine only, and may refuse; then a selection is copied the old way.
    function bySelection() {
      var area = document.createElement("textarea");
      area.value = button.dataset.copy;
      area.className = "off-screen";
      document.body.append(area);
      area.select();
      var ok = false;
      try { ok = document.execCommand("copy"); } catch (_) { ok = false; }
      area.remove();
      button.focus();
      done(ok);
    }
    if (navigator.clipboard) navigator.clipboard.writeText(button.dataset.copy).then(function () { done(true); }, bySelection);
    else bySelection();
  }

  function closeMenus(except) {
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      if (menu !== except && !menu.contains(except)) menu.open = false;
    });
  }

  document.addEventListener("click", function (event) {
    var copier = event.target.closest("[data-copy]");
    if (copier) { copy(copier); return; }
    if (event.target.closest("[data-theme-toggle]")) { toggleTheme(); return; }
    closeMenus(event.target);
  });

  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      var open = document.querySelector("details[data-menu][open]");
      if (open) { open.open = false; open.querySelector("summary").focus(); }
      return;
    }
    var typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      var box = document.querySelector("[data-search]");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
    }
  });

  // A form that narrows a list or chooses a version is sent by each change; its button is hidden by `.without-script`.
  document.addEventListener("change", function (event) {
    var form = event.target.form;
    if (!form || !form.hasAttribute("data-autosubmit") || event.target.hasAttribute("data-local")) return;
    form.requestSubmit();
  });

  // The address says what was chosen and nothing else: fields left empty stay out of it.
  document.addEventListener("htmx:configRequest", function (event) {
    var sent = event.detail.parameters;
    if (event.detail.verb !== "get") return;
    Object.keys(sent).forEach(function (name) { if (sent[name] === "") delete sent[name]; });
  });

  // Characters are counted as the server counts them: by code point.
  function count(field) {
    var max = Number(field.dataset.max);
    var shown = max && document.querySelector('[data-count="' + field.id + '"]');
    if (!shown) return;
    var length = Array.from(field.value).length;
    shown.textContent = length;
    shown.parentElement.classList.toggle("over", length > max);
  }
  // On a narrow screen a row of tabs scrolls; the tab one is on is brought into sight.
  function showTab() {
    document.querySelectorAll(".tabs [aria-current], .rail [aria-current]").forEach(function (tab) {
      var row = tab.closest(".tabs, .rail"), edge = row.getBoundingClientRect();
      row.scrollLeft += Math.max(0, Math.ceil(tab.getBoundingClientRect().right - edge.right));
      row.scrollLeft -= Math.max(0, Math.ceil(edge.left - tab.getBoundingClientRect().left));
    });
  }
  window.addEventListener("resize", showTab);
  document.addEventListener("input", function (event) { if (event.target.dataset) count(event.target); });
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("[data-max]").forEach(count);
    showTab();
    // A one-time link carries its secret behind the #, where no server sees it; it goes into the form and out of the address.
    var code = document.getElementById("f-set_up_code");
    if (code && location.hash.length > 20) {
      code.value = decodeURIComponent(location.hash.slice(1));
      history.replaceState(null, "", location.pathname);
    }
    var summary = document.querySelector(".error-summary");
    if (summary) summary.focus();
  });
})();
