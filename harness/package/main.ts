// npm run release makes the tarball to publish, out/release/singan-webgpu.tgz; npm run test:package installs such a tarball as strangers do, and
// checks that it works there. One line per check; the exit code is 1 where one fails.

import { checkPackage } from "./checks.ts";
import { packRelease, sourceFrom } from "./release.ts";

try {
  if (process.argv[2] === "release") console.log(packRelease(sourceFrom(process.env), "out/release"));
  else process.exitCode = (await checkPackage()) ? 0 : 1;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
