// What the library stands on: the class Gateway and the means of the platform that the package was entered by.

let entry;

/** Says on what: `{ Gateway, checkConfig, variables, platform }`. Each entry does, once, as it is loaded. */
export function standOn(on) {
  entry = on;
}

/** The means of the platform: see gateway.js. */
export const platform = () => entry.platform;

/** A gateway of the library's own: its program is its only client, and needs no key. */
export function openGateway(config, { env, fetch, vocabulary, log } = {}) {
  return new entry.Gateway({ config, env, fetch, vocabulary, log, open: true });
}

/** What is wrong with a configuration, and what has no effect. */
export const findingsOf = (config) => entry.checkConfig(config);
