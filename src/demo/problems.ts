// What to tell a visitor when there is no GPU, or none any more: causes in the order in which they are tested, and what helps.

import type { Problem } from "./protocol.ts";

/** How the browser in hand gets WebGPU. */
function helpFor(userAgent: string): string {
  if (/Firefox\//.test(userAgent)) {
    return "Firefox has it from version 141 on Windows and 145 on Macs with Apple silicon; elsewhere set dom.webgpu.enabled in about:config.";
  }
  if (/Chrom(e|ium)\//.test(userAgent)) {
    if (/Android/.test(userAgent)) return "Chrome on Android has it from version 121.";
    if (/Linux/.test(userAgent)) {
      return "On Linux, Chrome has it on for some GPUs only: enable chrome://flags/#enable-unsafe-webgpu and #enable-vulkan.";
    }
    return "Chrome and Edge have it from version 113: update the browser.";
  }
  if (/Safari\//.test(userAgent)) return "Safari has it from version 26.";
  return "Current versions of Chrome, Edge, Firefox and Safari have it.";
}

const REFUSED =
  "This browser knows WebGPU but gives no GPU. Its hardware acceleration may be switched off, the GPU blocklisted (Chrome lists the " +
  "reasons at chrome://gpu), or the GPU crashed too often: reload the page, and if that does not help, restart the browser.";
const LOST =
  "The GPU was lost: its driver restarted, or its memory ran out. The finished scales are kept. Start again, perhaps with a smaller " +
  "max size; if that fails too, reload the page, then restart the browser.";

export function explain(problem: Problem, detail: string, userAgent: string): string {
  switch (problem) {
    case "insecure":
      return "WebGPU works on secure pages only: open this page over https, or on localhost.";
    case "missing":
      return `This browser has no WebGPU. ${helpFor(userAgent)}`;
    case "refused":
      return REFUSED;
    case "lost":
      return LOST;
    case "failed":
      return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}${/[.!?]$/.test(detail) ? "" : "."}`;
  }
}
