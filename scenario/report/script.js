// A cursor that names the time under the pointer. The page says everything without it.
(() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  for (const svg of document.querySelectorAll("svg.chart")) {
    const cursor = svg.querySelector(".cursor");
    const d = Object.fromEntries(Object.entries(svg.dataset).map(([k, v]) => [k, Number(v)]));
    svg.addEventListener("pointermove", (e) => {
      const box = svg.getBoundingClientRect();
      const x = (e.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      const inside = x >= d.left && x <= d.right;
      cursor.setAttribute("visibility", inside ? "visible" : "hidden");
      tip.hidden = !inside;
      if (!inside) return;
      const at = d.start + (x - d.left) / (d.right - d.left) * (d.end - d.start);
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      tip.textContent = (at / 1e6).toFixed(3) + " s";
      tip.style.left = Math.min(e.clientX + 12, innerWidth - 90) + "px";
      tip.style.top = e.clientY + 12 + "px";
    });
    svg.addEventListener("pointerleave", () => {
      cursor.setAttribute("visibility", "hidden");
      tip.hidden = true;
    });
  }
})();
