// npm start: serves the built demo page on this computer. The port is PORT if that is set, else 8080, or a free one if 8080 is in use.

import { fileURLToPath } from "node:url";
import { type FileServer, serve } from "./serve.ts";

const USUAL_PORT = 8080;
const page = fileURLToPath(new URL("./demo", import.meta.url));

async function start(): Promise<FileServer> {
  const wanted = process.env["PORT"];
  if (wanted) return serve(page, portOf(wanted));
  return serve(page, USUAL_PORT).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    return serve(page);
  });
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 2 ** 16) return Number(text);
  throw new Error(`PORT must be a whole number from 0 to ${2 ** 16 - 1}, not ${JSON.stringify(text)}`);
}

try {
  const { url } = await start();
  console.log(`Demo: ${url}  (Ctrl-C ends it)`);
} catch (error) {
  console.error(`demo: ${(error as Error).message}`);
  process.exitCode = 1;
}
