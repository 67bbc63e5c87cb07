// A static web server for one folder on localhost, for the tests and the demo page. It answers only to its own address.
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createBrotliCompress, createGzip } from "node:zlib";

const MIME_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".md": "text/plain; charset=utf-8",
  ".wgsl": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".webp": "image/webp",
  ".gif": "image/gif",
  ".svg": "image/svg+xml",
  ".ico": "image/x-icon",
};

/** Text, which compression makes four times smaller; pictures are compressed already. */
const COMPRESSED = /^text\/|^application\/(json|manifest\+json|wasm)$|\+xml$/;
/** Of 0 to 11: more takes longer than sending the difference. */
const BROTLI_QUALITY = 5;

/**
 * Sent with every file: code, styles and connections from this server only, no eval (but WebAssembly, which instant pictures need), pictures and
 * workers also from memory (open-worker.ts); no other site may open the page in a frame, get hold of its window or read its files.
 */
const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/** The names of this computer. Another Host means that another site's name was pointed at this address (DNS rebinding). */
const HOSTS = ["127.0.0.1", "localhost", "[::1]"];
const HTTP_PORT = 80;

function isOwnHost(host: string | undefined, port: number): boolean {
  const own = HOSTS.flatMap((name) => [`${name}:${port}`, ...(port === HTTP_PORT ? [name] : [])]);
  return host !== undefined && own.includes(host.toLowerCase());
}

export interface FileServer {
  /** Ends with a slash. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves `folder`, and nothing outside it, on 127.0.0.1. Port 0 stands for a free port. For a path that ends with a slash it sends the index.html
 * there. A request for another Host gets the status 421. `headers` are those of every answer, none for a host that knows nothing of the page.
 */
export async function serve(folder: string, port = 0, headers = HEADERS): Promise<FileServer> {
  const root = await realpath(folder);
  const server = createServer((request, response) => void answer(root, headers, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function answer(root: string, headers: typeof HEADERS, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refuse = (status: number): void =>
    void response.writeHead(status, { ...headers, "content-type": "text/plain" }).end(`${status}\n`);
  if (!isOwnHost(request.headers.host, request.socket.localPort!)) return refuse(421);
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(405);
  const file = await fileFor(root, request.url ?? "/").catch(() => null);
  if (!file) return refuse(404);
  const type = MIME_TYPES[extname(file.path).toLowerCase()] ?? "application/octet-stream";
  const encoding = COMPRESSED.test(type.split(";")[0]!) ? encodingFor(request) : null;
  const body = encoding ? { "content-encoding": encoding, vary: "accept-encoding" } : { "content-length": file.bytes };
  response.writeHead(200, { ...headers, "content-type": type, ...body });
  // A pipeline closes the file when the reader goes away. Nobody is left to tell about its error.
  if (request.method === "HEAD") response.end();
  else await pipeline([createReadStream(file.path), ...(encoding ? [ENCODERS[encoding]()] : []), response]).catch(() => {});
}

const ENCODERS = {
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: () => createGzip(),
};

function encodingFor({ headers }: IncomingMessage): keyof typeof ENCODERS | null {
  const accepted = String(headers["accept-encoding"] ?? "").split(",");
  const accepts = (name: string) => accepted.some((one) => one.trim().split(";")[0] === name);
  return accepts("br") ? "br" : accepts("gzip") ? "gzip" : null;
}

/** The requested file. Null if it is not a file, or if it is outside `root` after following links. */
async function fileFor(root: string, target: string): Promise<{ path: string; bytes: number } | null> {
  const { pathname } = new URL(target, "http://localhost");
  const path = await realpath(join(root, decodeURIComponent(pathname), pathname.endsWith("/") ? "index.html" : ""));
  const status = await stat(path);
  return path.startsWith(root + sep) && status.isFile() ? { path, bytes: status.size } : null;
}
