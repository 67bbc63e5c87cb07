// The messages for a visitor if there is no GPU or it is lost: the cause, and what helps.

import type { Problem } from "./protocol.ts";

function helpFor(userAgent: string): string {
  if (/Firefox\//.test(userAgent))
    return "Firefox has it on Windows from version 141 and on Macs with Apple silicon from version 145. On other systems set dom.webgpu.enabled in about:config.";
  if (/Chrom(e|ium)\//.test(userAgent)) {
    if (/Android/.test(userAgent)) return "Chrome on Android has it from version 121.";
    if (/Linux/.test(userAgent))
      return "On Linux, Chrome enables it for some GPUs only. For others enable chrome://flags/#enable-unsafe-webgpu and #enable-vulkan.";
    return "Chrome and Edge have it from version 113. Update the browser.";
  }
  if (/Safari\//.test(userAgent)) return "Safari has it from version 26.";
  return "Current versions of Chrome, Edge, Firefox and Safari have it.";
}

const REFUSED =
  "This browser has WebGPU but offers no GPU. Hardware acceleration may be switched off, the GPU may be blocklisted (Chrome shows the " +
  "reasons at chrome://gpu), or it has crashed too often. Reload the page. If that does not help, restart the browser.";

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** While the training waits for another GPU. */
export const RECOVERING = "The GPU was lost. The training goes on by itself within moments.";

/** `isKept` tells whether an unfinished training is stored; `unsaved` names a model that is nowhere but in this tab. */
export function explain(
  problem: Problem,
  detail: string,
  userAgent: string,
  isKept = false,
  unsaved: string | null = null,
): string {
  const first =
    unsaved === null ? "Download what you want to keep" : `Download the model of ${unsaved}, which this tab still has`;
  const then = (remedy: string): string => {
    if (!isKept) return `${first}, then ${remedy}.`;
    return `The training is saved: ${unsaved === null ? "" : `download the model of ${unsaved}, `}${remedy}, then choose Continue.`;
  };
  const texts: Readonly<Record<Problem, string>> = {
    insecure: "WebGPU works on secure pages only. Open this page over https or on localhost.",
    missing: `This browser has no WebGPU. ${helpFor(userAgent)}`,
    refused: REFUSED,
    lostUntilReload: `The GPU was lost, and this page gets no other one. ${then("reload the page")}`,
    lostUntilRestart: `This browser offers no GPU any more. ${then("restart the browser")}`,
    memory: `There is too little memory for this. Close other tabs and programs, or choose a smaller size, then try again. ${sentence(detail)}`,
    failed: sentence(detail),
  };
  return texts[problem];
}
