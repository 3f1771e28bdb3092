// The pages work without this. It remembers the theme, copies texts, makes tabs of what stands below each other, and keeps
// the pages of an account up to date; htmx sends their forms and shows the answer in place.
"use strict";

(() => {
  const THEME = "heycmo-theme";
  // How long to gather what happens before a page is looked at again, and to wait before the stream is opened again.
  const GATHER_MS = 1000;
  const RETRY_MS = 5000;
  // How long a person is to see a page before they press what cannot be pressed by mistake.
  const LOOK_MS = 1000;
  const root = document.documentElement;

  // Storage can be forbidden; then the theme lasts as long as the page.
  const remembered = () => {
    try {
      return localStorage.getItem(THEME);
    } catch {
      return null;
    }
  };
  const remember = (theme) => {
    try {
      localStorage.setItem(THEME, theme);
    } catch {}
  };
  const isTheme = (theme) => theme === "light" || theme === "dark";
  const systemTheme = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

  // Before anything is painted, so that nothing moves afterwards.
  root.classList.add("script");
  if (isTheme(remembered())) root.dataset.theme = remembered();

  const main = () => document.getElementById("main");

  const themeSwitch = (button) => {
    const show = () => {
      button.setAttribute("aria-pressed", String((root.dataset.theme || systemTheme()) === "dark"));
    };
    button.addEventListener("click", () => {
      root.dataset.theme = (root.dataset.theme || systemTheme()) === "dark" ? "light" : "dark";
      remember(root.dataset.theme);
      show();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    show();
  };

  const copyButton = (button) => {
    const label = button.textContent;
    const text = document.getElementById(button.dataset.copies);
    button.addEventListener("click", async () => {
      let done = "Copied";
      try {
        await navigator.clipboard.writeText(text.textContent);
      } catch {
        getSelection().selectAllChildren(text);
        done = "Press Ctrl+C";
      }
      button.textContent = done;
      setTimeout(() => (button.textContent = label), 2000);
    });
  };

  // Tabs as the ARIA practices have them: arrows, Home and End go from one to the other and show it.
  const tabs = (set) => {
    const all = [...set.querySelectorAll("[role=tab]")];
    const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
    const choose = (chosen) => {
      for (const tab of all) {
        const isChosen = tab === chosen;
        tab.setAttribute("aria-selected", String(isChosen));
        tab.tabIndex = isChosen ? 0 : -1;
        panel(tab).classList.toggle("off", !isChosen);
      }
    };
    const next = { ArrowRight: (at) => at + 1, ArrowLeft: (at) => at - 1, Home: () => 0, End: () => -1 };
    for (const [at, tab] of all.entries()) {
      panel(tab).setAttribute("role", "tabpanel");
      panel(tab).setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => choose(tab));
      tab.addEventListener("keydown", (event) => {
        if (!next[event.key]) return;
        event.preventDefault();
        const wanted = all.at(next[event.key](at) % all.length);
        choose(wanted);
        wanted.focus();
      });
    }
  };

  // A press that was meant for what lay over this page a moment ago is not one of this button.
  const onPurpose = (button) => {
    let waiting;
    const ready = () => {
      waiting = undefined;
      button.removeAttribute("aria-disabled");
    };
    const wait = () => {
      clearTimeout(waiting);
      waiting = setTimeout(ready, LOOK_MS);
      button.setAttribute("aria-disabled", "true");
    };
    button.addEventListener("click", (event) => waiting && event.preventDefault());
    for (const shown of ["pageshow", "focus"]) addEventListener(shown, wait);
    wait();
  };

  // A form that was sent is sent once, and says that it is under way.
  const busy = (event) => {
    const form = event.target;
    if (event.defaultPrevented && !form.hasAttribute("hx-post")) return;
    if (form.ariaBusy === "true") return event.preventDefault();
    const button = event.submitter || form.querySelector("button");
    const label = button && button.textContent;
    const done = () => {
      form.ariaBusy = "false";
      if (!button) return;
      button.textContent = label;
      button.removeAttribute("aria-disabled");
    };
    form.ariaBusy = "true";
    if (button) {
      button.setAttribute("aria-disabled", "true");
      if (button.dataset.busy) button.textContent = button.dataset.busy;
    }
    // Whether it was answered in place, or the person came back to this page.
    form.addEventListener("htmx:afterRequest", done, { once: true });
    addEventListener("pageshow", done, { once: true });
  };

  const toast = (text, action) => {
    const box = document.querySelector("[data-toast]");
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "quiet small";
    close.textContent = action ? action.label : "Close";
    close.addEventListener("click", () => {
      box.hidden = true;
      if (action) action.does();
    });
    box.replaceChildren(words, close);
    box.hidden = false;
  };

  // What went wrong with a form is told at the form, where the person looks; anything else at the edge of the page.
  const problem = (text, element) => {
    const form = element && element.closest("form");
    if (!form) return toast(text);
    const told = form.querySelector("[data-problem]") || document.createElement("p");
    told.dataset.problem = "";
    told.className = "message wrong";
    told.setAttribute("role", "alert");
    told.textContent = text;
    form.append(told);
  };

  // Looks at the page again; but not under the hands of somebody who writes or reads in what would change.
  const refresh = () => htmx.ajax("GET", location.href, { target: "#main", select: "#main", swap: "outerHTML" });
  const isInUse = () =>
    main().querySelector("details[open]") ||
    [...main().querySelectorAll("textarea, input:not([type=hidden])")].some((field) => field.value !== field.defaultValue) ||
    (main().contains(document.activeElement) && document.activeElement !== main());

  let gathering;
  const changed = (topic) => {
    if (gathering || !(main().dataset.refresh || "").split(" ").includes(topic)) return;
    gathering = setTimeout(() => {
      gathering = undefined;
      if (!isInUse()) refresh();
      else toast("Something on this page has changed.", { label: "Show it", does: refresh });
    }, GATHER_MS);
  };

  const told = (message) => {
    const { topic, html } = JSON.parse(message.data);
    const list = document.querySelector("[data-live-list]");
    const isWanted = list && (!list.dataset.topics || list.dataset.topics.split(" ").includes(topic));
    if (isWanted && !document.getElementById(message.lastEventId)) {
      list.insertAdjacentHTML("afterbegin", html);
      list.firstElementChild.classList.add("new");
      while (list.children.length > Number(list.dataset.liveList)) list.lastElementChild.remove();
    }
    changed(topic);
  };

  // Whether the page hears what happens, in a word beside what is live; and, while it does not, calmly below.
  let liveState = ["", false];
  const showLiveState = () => {
    const shown = document.querySelector("[data-live-state]");
    if (!shown) return;
    shown.textContent = liveState[0];
    shown.classList.toggle("on", liveState[1]);
  };
  const live = (address) => {
    const offline = document.querySelector("[data-offline]");
    let source;
    let last;
    let failures = 0;
    const state = (text, isOn) => {
      liveState = [text, isOn];
      showLiveState();
      failures = isOn ? 0 : failures + 1;
      // A stream may break for a moment; nobody has to hear of that.
      const isAway = !navigator.onLine || failures > 1;
      offline.textContent = isAway ? "There is no connection just now. This page goes on by itself once it is back." : "";
    };
    // A stream that is refused: the session may be over; then the login is what is to be seen.
    const refused = async () => {
      state("Not live", false);
      try {
        const answer = await fetch(location.href, { method: "HEAD", headers: { Accept: "text/html" } });
        if (answer.redirected || [401, 403, 404].includes(answer.status)) return location.reload();
      } catch {}
      setTimeout(open, RETRY_MS);
    };
    const close = () => {
      if (source) source.close();
      source = undefined;
    };
    const open = () => {
      if (document.hidden) return;
      close();
      const at = new URL(address, location.href);
      if (last) at.searchParams.set("after", last);
      source = new EventSource(at);
      source.addEventListener("open", () => state("Live", true));
      source.addEventListener("event", (message) => {
        last = message.lastEventId;
        told(message);
      });
      source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED) refused();
        else state("Connecting again", false);
      });
    };
    // Browsers open six connections to a server, over all tabs: those that nobody looks at leave theirs to the others.
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    addEventListener("offline", () => state("Not live", false));
    addEventListener("online", open);
    // A page that is being left hears no more: what it asks for now might come after its own logout, and be refused.
    document.addEventListener("submit", (event) => {
      if (!event.defaultPrevented && !event.target.hasAttribute("hx-post")) close();
    });
    addEventListener("pageshow", (event) => event.persisted && open());
    open();
  };

  // Looks again and again whether the first call of an assistant has arrived.
  const connectionTest = (shown) => {
    const address = shown.dataset.test;
    const say = (text, mark) => {
      shown.textContent = text;
      shown.className = mark;
    };
    const look = async () => {
      let answer;
      try {
        if (!document.hidden) answer = await fetch(address, { headers: { Accept: "text/html" } });
      } catch {}
      if (answer && answer.status === 200) say("It works: the first call has arrived.", "message done");
      else setTimeout(look, RETRY_MS);
    };
    say("Waiting for the first call…", "message");
    look();
  };

  const parts = (within) => {
    within.querySelectorAll("[data-copies]").forEach(copyButton);
    within.querySelectorAll("[data-tabs]").forEach(tabs);
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-theme-switch]").forEach(themeSwitch);
    parts(document);
    document.querySelectorAll("[data-test]").forEach(connectionTest);
    document.querySelectorAll("[data-on-purpose]").forEach(onPurpose);
    const board = document.querySelector("[data-live]");
    if (board) live(board.dataset.live);
  });
  document.addEventListener("submit", busy);

  // What htmx asks for is a page, also when it is one that says no.
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers.Accept = "text/html";
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    root.classList.add("loading");
    main().ariaBusy = "true";
    const told = event.detail.elt.querySelector("[data-problem]");
    if (told) told.remove();
  });
  document.addEventListener("htmx:afterRequest", () => {
    root.classList.remove("loading");
    main().ariaBusy = "false";
  });
  // Another page than the one that is open is not put into it: a login is gone to, an error is told.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
    const other = page.getElementById("main");
    if (other && other.dataset.page === main().dataset.page) return;
    event.detail.shouldSwap = false;
    if (new URL(xhr.responseURL).pathname === "/login") return location.reload();
    const text = [...page.querySelectorAll("#main p:not(.row, .small-print)")].map((part) => part.textContent.trim()).join(" ");
    problem(`${text || "That did not work. Try again in a moment."} What you wrote is still here.`, requestConfig.elt);
  });
  document.addEventListener("htmx:sendError", (event) => {
    problem("There is no connection just now. What you wrote is still here: try again.", event.detail.elt);
  });
  document.addEventListener("htmx:afterSwap", () => {
    parts(main());
    // Of those with one name only one is open: the page before still was there when this one came.
    main().querySelectorAll("details[data-open]").forEach((details) => (details.open = true));
    const said = main().querySelector("[data-said]");
    if (said) said.focus();
    showLiveState();
  });
})();
