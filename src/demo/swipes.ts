// A finger that begins on a slider and goes up or down scrolls the page. By then the browser has already moved the slider to the finger.

/** A slider keeps its value where the browser makes a scroll of the touch. */
export function keepValuesOfSwipes(): void {
  let touched: { readonly slider: HTMLInputElement; readonly value: string } | null = null;
  document.addEventListener("pointerdown", ({ target, pointerType }) => {
    const isSlider = pointerType === "touch" && target instanceof HTMLInputElement && target.type === "range";
    touched = isSlider ? { slider: target, value: target.value } : null;
  });
  document.addEventListener("pointercancel", () => {
    if (!touched || touched.slider.value === touched.value) return;
    touched.slider.value = touched.value;
    for (const kind of ["input", "change"]) touched.slider.dispatchEvent(new Event(kind, { bubbles: true }));
  });
}
