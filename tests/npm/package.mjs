// For tests of the npm package: the built one, as a program would import it.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { npmFolder } from "../../scripts/place.mjs";

/** A file of the package. */
export const packageFile = (...path) => join(npmFolder, ...path);

/** The Node entry. */
export const { Gateway, ConfigError, checkConfig, sqliteStorage } = await import(
  pathToFileURL(packageFile("dist", "node.js")).href
);

/** The command. */
export const CLI = packageFile("dist", "cli.js");

/** The path of a chat. */
export const CHAT = "/v1/chat/completions";

/** A POST of JSON, with a key where one is given. */
export function post(body, key, init = {}) {
  const headers = { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }), ...init.headers };
  return { method: "POST", body: JSON.stringify(body), ...init, headers };
}
