// The page of `edgemart try`: asks twice a second what happened, and sends what the developer does. What a module says is
// text and is never made into elements.
(function () {
  "use strict";
  var POLL_MS = 500, SHOWN_MAX = 500, LINES_MAX = 1000;
  var $ = function (id) { return document.getElementById(id); };
  var words = $("words").dataset;
  var seen = 0, printed = 0, paused = false, waiting = [], last = {}, twins = {}, twinNumber = -1, messages = {};

  function module() { var chosen = $("module"); return chosen.value || chosen.dataset.name; }
  function fill(text, a, b) { return text.replace("{a}", a).replace("{b}", b); }
  function set(id, text) { var place = $(id); if (place.textContent !== text) place.textContent = text; }
  function bytes(n) { return n < 1048576 ? Math.round(n / 1024) + " KiB" : (n / 1048576).toFixed(n < 104857600 ? 1 : 0) + " MiB"; }
  function span(kind, text) { var made = document.createElement(kind); made.textContent = text; return made; }
  function pretty(value) { return JSON.stringify(value, null, 2); }

  // ---- What happened ----
  function atEnd(place) { return place.scrollHeight - place.scrollTop - place.clientHeight < 40; }
  function body(event) { return event.text === undefined ? fill(words.bytes, event.bytes) : event.text; }

  function row(event, head, text, other) {
    var item = document.createElement("li");
    item.append(span("time", (event.at_us / 1e6).toFixed(3)), span("b", head), span("span", text));
    if (other) item.className = "other";
    item.dataset.module = event.module || "";
    item.hidden = hidden(item);
    var feed = $("feed");
    feed.append(item);
    while (feed.childElementCount > SHOWN_MAX) feed.firstChild.remove();
    return item;
  }
  function hidden(item) {
    var whose = item.dataset.module;
    return (item.className === "other" && !$("all-events").checked) || (whose !== "" && whose !== module());
  }

  function show(event) {
    var name = event.module || "";
    if (event.event === "message") {
      messages[name] = (messages[name] || 0) + 1;
      last[name] = row(event, event.output || words.noOutput, body(event));
    } else if (event.event === "routed" || event.event === "not-routed") {
      var way = span("span", event.event === "routed" ? "→ " + event.to + "  (" + event.route + ")" : words.nowhere);
      way.className = event.event === "routed" ? "way" : "way none";
      if (last[name]) last[name].children[2].append(way);
    } else {
      if (/^(desired-changed|reported|twin-read)$/.test(event.event)) twinNumber = -1;
      row(event, event.event, told(event), true);
    }
  }
  function told(event) {
    var rest = Object.keys(event).filter(function (key) { return !/^(number|at_us|module|event|json|bytes)$/.test(key); });
    return rest.map(function (key) { return key + " " + (typeof event[key] === "string" ? event[key] : JSON.stringify(event[key])); }).join(", ");
  }

  function take(answer) {
    var feed = $("feed"), log = $("log"), follow = atEnd(feed), followLog = atEnd(log);
    waiting = waiting.concat(answer.events);
    if (waiting.length > SHOWN_MAX * 4) waiting = waiting.slice(-SHOWN_MAX * 4);
    if (!paused) { waiting.forEach(show); waiting = []; }
    answer.lines.forEach(function (line) {
      var item = span("span", line.text + "\n");
      item.dataset.module = line.module;
      item.hidden = line.module !== module();
      log.append(item);
    });
    while (log.childElementCount > LINES_MAX) log.firstChild.remove();
    if (follow && !paused) feed.scrollTop = feed.scrollHeight;
    if (followLog) log.scrollTop = log.scrollHeight;
    seen = answer.seen; printed = answer.printed;
    facts(answer);
  }

  function facts(answer) {
    var now = answer.modules.find(function (one) { return one.name === module(); });
    if (!now) return;
    var phase = { "back-off": words.backOff, "by-hand": words.byHand }[now.phase] || words[now.phase] || now.phase;
    set("phase", fill(phase, now.phase === "back-off" ? now.again_in_seconds : now.code, now.code));
    $("phase").className = "state state-" + ({ running: "live", failed: "rejected", ended: "rejected", "back-off": "preview" }[now.phase] || "submitted");
    set("connection", answer.hub_away ? words.away : now.connected ? words.connected : words.notConnected);
    set("rate", String(now.messages_per_minute));
    set("memory", now.memory_bytes === undefined ? "–" : bytes(now.memory_bytes));
    set("peak", now.memory_peak_bytes === undefined ? "" : fill(words.peak, bytes(now.memory_peak_bytes)));
    set("processor", now.cpu_permille === undefined ? "–" : (now.cpu_permille / 10).toFixed(1) + " %");
    set("restarts", String(now.restarts));
    set("message-count", String(now.messages));
    options("methods", now.methods); options("inputs", now.inputs);
    if (twinNumber !== now.twin_changes) { twinNumber = now.twin_changes; readTwin(); }
  }
  function options(id, names) {
    var list = $(id);
    if (list.childElementCount === names.length) return;
    list.replaceChildren.apply(list, names.map(function (name) { var made = document.createElement("option"); made.value = name; return made; }));
  }

  function ask() {
    fetch("poll?events=" + seen + "&lines=" + printed, { cache: "no-store" })
      .then(function (answer) { if (!answer.ok) throw new Error(answer.status); return answer.json(); })
      .then(function (answer) { $("gone").hidden = true; take(answer); })
      .catch(function () { $("gone").hidden = false; })
      .then(function () { setTimeout(ask, $("gone").hidden ? POLL_MS : 4 * POLL_MS); });
  }

  // ---- The twin ----
  function plain(section) {
    var copy = Object.assign({}, section);
    delete copy.$version; delete copy.$metadata;
    return copy;
  }
  function readTwin(force) {
    var whose = module();
    fetch("twin?module=" + encodeURIComponent(whose), { cache: "no-store" }).then(function (answer) { return answer.json(); }).then(function (twin) {
      if (whose !== module()) return;
      var text = pretty(plain(twin.desired)), box = $("desired");
      // What the developer is writing is not taken from under their hands.
      if (force || box.value === "" || box.value === twins[whose]) box.value = text;
      twins[whose] = text;
      set("desired-version", fill(words.version, twin.desired.$version));
      set("reported-version", fill(words.version, twin.reported.$version));
      set("reported", pretty(plain(twin.reported)));
    }).catch(function () { /* the next look tells */ });
  }

  // ---- What the developer does ----
  function say(form, text, bad) {
    var place = form.querySelector(".trial-said");
    place.textContent = text;
    place.className = "trial-said " + (bad ? "is-fail" : "is-pass");
  }
  function json(text) { return text.trim() === "" ? null : JSON.parse(text); }
  function order(form) {
    var given = { order: form.dataset.order, module: module() };
    new FormData(form).forEach(function (value, name) {
      given[name] = name === "body" || name === "desired" ? json(value) : name === "seconds" ? Number(value) : value;
    });
    return given;
  }
  document.querySelectorAll("form[data-order]").forEach(function (form) {
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var given;
      try { given = order(form); } catch (problem) { return say(form, fill(words.notJson, problem.message), true); }
      say(form, words.sending);
      fetch("act", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) })
        .then(function (answer) { return answer.json().then(function (said) { return [answer.ok, said]; }); })
        .then(function (pair) {
          var said = pair[1];
          if (!pair[0]) return say(form, said.problem, true);
          say(form, said.status === undefined ? (said.version === undefined ? words.done : fill(words.changed, said.version)) : said.status + " " + JSON.stringify(said.payload), said.status >= 400);
          if (given.order === "desired") readTwin(true);
        })
        .catch(function () { say(form, words.unreachable, true); });
    });
  });

  function refilter() {
    document.querySelectorAll("#feed > li").forEach(function (item) { item.hidden = hidden(item); });
    document.querySelectorAll("#log > span").forEach(function (item) { item.hidden = item.dataset.module !== module(); });
  }
  $("all-events").addEventListener("change", refilter);
  $("module").addEventListener("change", function () { refilter(); twinNumber = -1; $("desired").value = ""; });
  $("desired-reset").addEventListener("click", function () { say(this.form, ""); readTwin(true); });
  $("pause").addEventListener("click", function () {
    paused = !paused;
    this.setAttribute("aria-pressed", String(paused));
    this.textContent = paused ? words.resume : words.pause;
  });
  ask();
})();
