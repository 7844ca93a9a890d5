import type { SqlStorage } from "./index.js";

export * from "./index.js";

/**
 * Opens a SQLite file (or `":memory:"`) for keys, budgets and spend, by Node's own SQLite: Node 22.13 or newer. The file
 * is one process's at a time. What an answer says is on the disk before it is given.
 *
 * @example
 * ```js
 * import { Gateway, sqliteStorage } from "tollgate/node";
 *
 * const gateway = new Gateway({ storage: sqliteStorage("tollgate.db"), open: true });
 * await gateway.close();
 * ```
 * @throws {Error} Another process has the file, or this runtime has no SQLite.
 */
export function sqliteStorage(path: string): SqlStorage;
