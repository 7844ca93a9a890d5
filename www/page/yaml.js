// Reads a configuration as `npm run check-config` does; loaded when it is first needed.

export { readText } from "../../scripts/config.mjs";
