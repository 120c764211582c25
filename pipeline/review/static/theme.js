// Before the first paint: the colours this browser was last given. Not a module, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const read = () => {
    try {
      return localStorage.getItem("review.theme");
    } catch {
      return null;
    }
  };
  root.dataset.theme = read() || root.dataset.theme || "auto";
  addEventListener("DOMContentLoaded", () => {
    const select = document.getElementById("theme");
    if (!select) return;
    select.value = root.dataset.theme;
    select.addEventListener("change", () => {
      root.dataset.theme = select.value;
      try {
        localStorage.setItem("review.theme", select.value);
      } catch {
        // holds until the page is left
      }
    });
  });
})();
