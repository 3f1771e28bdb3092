// The pages work without this. It remembers the theme and copies texts.
"use strict";

(() => {
  const THEME = "heycmo-theme";
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

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-theme-switch]").forEach(themeSwitch);
    document.querySelectorAll("[data-copies]").forEach(copyButton);
  });
})();
