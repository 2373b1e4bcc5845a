/* A table that is wider than its column scrolls in a box of the theme's script: the keyboard reaches that box while it scrolls. */
const boxes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

document$.subscribe(() => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap")) boxes.observe(box);
});
