// npm run build: both wasm builds, and the Worker's size against its budget. `-- --worker` builds the Worker alone.

import { buildAll } from "./wasm.mjs";
import { npmPackages, underModernNode } from "./setup.mjs";
import { checkSize } from "./size.mjs";
import { main } from "./steps.mjs";

await main(async () => {
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  await buildAll({ js: !process.argv.includes("--worker") });
  checkSize();
});
