// Loaded before the page is drawn, so that it never flashes in the wrong theme; no module, for modules are deferred.
(() => {
  const wanted = localStorage.getItem("theme");
  const dark = wanted ? wanted === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
