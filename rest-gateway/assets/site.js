// The pages work without this. It remembers the theme, copies texts, and keeps the pages of an account up to date;
// htmx sends their forms and shows the answer in place.
"use strict";

(() => {
  const THEME = "heycmo-theme";
  // How long to gather what happens before a page is looked at again, and to wait before the stream is opened again.
  const GATHER_MS = 1000;
  const RETRY_MS = 5000;
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

  // Before anything is painted.
  if (isTheme(remembered())) root.dataset.theme = remembered();

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
    button.hidden = false;
  };

  const copyButton = (button) => {
    const label = button.textContent;
    const text = document.getElementById(button.dataset.copies);
    if (!text || !navigator.clipboard) return;
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
    button.hidden = false;
  };

  // A form that takes its time says so, and is sent once.
  const busy = (event) => {
    const button = event.target.querySelector("button[data-busy]");
    if (!button) return;
    if (button.hasAttribute("aria-disabled")) return event.preventDefault();
    const label = button.textContent;
    const done = () => {
      button.textContent = label;
      button.removeAttribute("aria-disabled");
    };
    button.textContent = button.dataset.busy;
    button.setAttribute("aria-disabled", "true");
    // Whether it was answered in place, or the person came back to this page.
    event.target.addEventListener("htmx:afterRequest", done, { once: true });
    addEventListener("pageshow", done, { once: true });
  };

  const main = () => document.getElementById("main");

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

  const live = (address) => {
    let source;
    let last;
    const state = (text, isOn) => {
      const shown = document.querySelector("[data-live-state]");
      if (!shown) return;
      shown.textContent = text;
      shown.classList.toggle("on", isOn);
      shown.hidden = false;
    };
    // A stream that is refused: the session may be over; then the login is what is to be seen.
    const refused = async () => {
      state("Not live just now", false);
      try {
        const answer = await fetch(location.href, { method: "HEAD", headers: { Accept: "text/html" } });
        if (answer.redirected || [401, 403, 404].includes(answer.status)) return location.reload();
      } catch {}
      setTimeout(open, RETRY_MS);
    };
    const open = () => {
      if (document.hidden) return;
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
        else state("Connecting again…", false);
      });
    };
    // Browsers open six connections to a server, over all tabs: those that nobody looks at leave theirs to the others.
    document.addEventListener("visibilitychange", () => {
      if (source) source.close();
      source = undefined;
      open();
    });
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
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-theme-switch]").forEach(themeSwitch);
    parts(document);
    document.querySelectorAll("[data-test]").forEach(connectionTest);
    const board = document.querySelector("[data-live]");
    if (board) live(board.dataset.live);
  });
  document.addEventListener("submit", busy);

  // What htmx asks for is a page, also when it is one that says no.
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers.Accept = "text/html";
  });
  // Another page than the one that is open is not put into it: a login is gone to, an error is told.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const other = page.getElementById("main");
    if (other && other.dataset.page === main().dataset.page) return;
    event.detail.shouldSwap = false;
    if (new URL(event.detail.xhr.responseURL).pathname === "/login") location.reload();
    else toast(other ? other.innerText.trim().replace(/\s+/g, " ") : "That did not work. Try again in a moment.");
  });
  document.addEventListener("htmx:sendError", () => {
    toast("There is no connection just now. What you wrote is still here: try again.");
  });
  document.addEventListener("htmx:afterSwap", () => {
    parts(main());
    const said = main().querySelector("[data-said]");
    if (said) said.focus();
    const shown = document.querySelector("[data-live-state]");
    if (shown) {
      shown.hidden = false;
      shown.classList.add("on");
    }
  });
})();
