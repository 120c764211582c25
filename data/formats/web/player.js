// The transcript follows the film, and leads it.
const film = document.getElementById("film");
const buttons = [...document.querySelectorAll("[data-start]")];
const starts = buttons.map((button) => Number(button.dataset.start));

buttons.forEach((button, at) =>
  button.addEventListener("click", () => {
    film.currentTime = starts[at];
    film.play();
  }),
);

let current = null;
film.addEventListener("timeupdate", () => {
  const at = starts.findLastIndex((start) => start <= film.currentTime + 0.05);
  const item = buttons[at]?.closest("li") ?? null;
  if (item === current) return;
  current?.removeAttribute("aria-current");
  item?.setAttribute("aria-current", "true");
  current = item;
});
