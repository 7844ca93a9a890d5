// What every entry of the package exports, over one Core (core.js) and what its platform brings.

import { ConfigError, gatewayOn } from "./gateway.js";
import { standOn } from "./library/entry.js";

/**
 * The names of the package on one platform (`platform`: see gateway.js; `openai()` imports an installed `openai`, where the
 * platform can). The functions of library/ stand on them, and are exported by the entries as they are.
 */
export function library(core, platform) {
  const Gateway = gatewayOn(core, platform);
  const checkConfig = (config) => JSON.parse(core.names.checkConfig(JSON.stringify(config)));
  standOn({ Gateway, checkConfig, platform: { ...platform, needs: (model) => core.names.needs(model) } });
  return { Gateway, ConfigError, checkConfig };
}

/** Reads a configuration's text where no YAML reader is at hand. */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new TypeError("this entry of tollgate reads no YAML: give the configuration as an object, or as JSON text");
  }
}
