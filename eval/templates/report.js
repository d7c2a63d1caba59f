"use strict";
// Point at a sentence and its boxes light up; point at a box and its sentences do.
for (const sample of document.querySelectorAll(".sample")) {
  const lines = [...sample.querySelectorAll(".line[data-evidence]")];
  const boxes = [...sample.querySelectorAll(".box")];
  const idsOf = (line) => line.dataset.evidence.split(" ");
  let pinned = null;
  const light = (ids) => {
    sample.classList.toggle("lighting", ids.length > 0);
    for (const box of boxes) box.classList.toggle("lit", ids.includes(box.dataset.id));
    for (const line of lines) line.classList.toggle("lit", idsOf(line).some((id) => ids.includes(id)));
  };
  const rest = () => light(pinned ? idsOf(pinned) : []);
  for (const line of lines) {
    line.addEventListener("pointerenter", () => light(idsOf(line)));
    line.addEventListener("pointerleave", rest);
    line.addEventListener("focus", () => light(idsOf(line)));
    line.addEventListener("blur", rest);
    line.addEventListener("click", () => { pinned = pinned === line ? null : line; rest(); });
  }
  for (const box of boxes) {
    box.addEventListener("pointerenter", () => light([box.dataset.id]));
    box.addEventListener("pointerleave", rest);
  }
}
