// The controls of the tool on phones: a sheet at the bottom of two heights, which a button changes. styles/phone.css says where it is one;
// elsewhere all controls are in sight, and there is no button.

import { byId } from "./dom.ts";

export function connectSheet(): void {
  const button = byId("sheet-size", HTMLButtonElement);
  const stage = byId("stage", HTMLElement);
  button.addEventListener("click", () => {
    const isHigh = button.ariaExpanded !== "true";
    button.ariaExpanded = String(isHigh);
    if (isHigh) scrollBy(0, stage.getBoundingClientRect().top); // the high sheet ends just below it
  });
  // Who draws needs the stage more than the controls.
  stage.addEventListener("pointerdown", () => {
    button.ariaExpanded = "false";
  });
}
