// npm run build: both wasm builds, the npm package, and the Worker's size against its budget. `-- --worker` builds the
// Worker and its page alone.

import { buildNpm } from "./npm.mjs";
import { buildAll } from "./wasm.mjs";
import { npmPackages, underModernNode } from "./setup.mjs";
import { checkSize } from "./size.mjs";
import { main } from "./steps.mjs";

await main(async () => {
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  if (process.argv.includes("--worker")) await buildAll();
  else await buildNpm();
  checkSize();
});
