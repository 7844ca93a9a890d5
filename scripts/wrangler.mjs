// npm run wrangler -- …: wrangler, under a Node that it accepts.

import { packaged } from "./place.mjs";
import { handOver } from "./process.mjs";
import { npmPackages, underModernNode } from "./setup.mjs";
import { main } from "./steps.mjs";

await main(async () => {
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  return handOver(process.execPath, [packaged("wrangler", "bin", "wrangler.js"), ...process.argv.slice(2)]);
});
