// What every entry of the package exports, over one loaded wasm and what its platform brings.

import { ConfigError, gatewayOn } from "./gateway.js";

/** The names of the package on one platform (`platform`: see gateway.js). A name that is added here is exported by the entries. */
export function library(core, platform) {
  const Gateway = gatewayOn(core, platform);
  const checkConfig = (config) => JSON.parse(core.checkConfig(JSON.stringify(config)));
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
