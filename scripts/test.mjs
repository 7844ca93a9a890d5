// npm test: sets up what is missing, then runs every test there is and sums up.

import { runTests, tell } from "./tests.mjs";
import { npmPackages, underModernNode } from "./setup.mjs";
import { main } from "./steps.mjs";
import { buildNpm } from "./npm.mjs";

await main(async () => {
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  await buildNpm();
  return tell(await runTests());
});
