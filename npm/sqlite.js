// Keys, budgets and spend in one SQLite file, by the SQLite that Node has.

// `require` finds it in ES modules and in CommonJS; bundlers for other platforms see no import.
const builtin = (name) => process.getBuiltinModule?.(name);

const NEEDS = "sqliteStorage needs Node 22.13 or newer (node:sqlite)";
// Statements that are kept ready; tables are many where budget roots are.
const MOST_STATEMENTS = 500;

/**
 * Opens a file (or ":memory:") for `new Gateway({ storage })`. The file belongs to one process at a time. Steps that end
 * in one turn of the event loop are committed as one, with one write to the disk: an answer waits for it.
 */
export function sqliteStorage(path) {
  const sqlite = builtin("node:sqlite");
  if (!sqlite) throw new Error(`${NEEDS}; this is ${process.versions?.node ?? "another runtime"}`);
  const db = new sqlite.DatabaseSync(path);
  try {
    // Exclusive first: then the lock is taken with the first read, and the log needs no shared memory.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    db.exec("BEGIN IMMEDIATE; COMMIT;");
  } catch (error) {
    db.close();
    if (!/locked|busy/i.test(error.message)) throw error;
    throw new Error(`${path} is in use by another gateway: stop it, or name another file`, { cause: error });
  }
  return new SqliteStorage(db);
}

class SqliteStorage {
  #db;
  #statements = new Map();
  /** The commit that open steps wait for. */
  #commit;

  constructor(db) {
    this.#db = db;
  }

  run(query, values) {
    let statement = this.#statements.get(query);
    if (!statement) {
      if (this.#statements.size >= MOST_STATEMENTS) this.#statements.clear();
      statement = this.#db.prepare(query);
      this.#statements.set(query, statement);
    }
    if (/^(?:SELECT)/.test(query)) return statement.all(...values).map((row) => Object.values(row));
    statement.run(...values);
    return [];
  }

  begin() {
    if (!this.#commit) {
      this.#db.exec("BEGIN IMMEDIATE");
      this.#commit = new Promise((resolve, reject) => {
        // After all that this turn of the event loop still brings.
        setImmediate(() => this.#end(resolve, reject));
      });
      // Whoever waits hears of it.
      this.#commit.catch(() => {});
    }
    this.#db.exec("SAVEPOINT step");
  }

  end() {
    this.#db.exec("RELEASE step");
  }

  undo() {
    this.#db.exec("ROLLBACK TO step; RELEASE step");
  }

  durable() {
    return this.#commit ?? Promise.resolve();
  }

  close() {
    if (!this.#db.isOpen) return;
    if (this.#commit) this.#end(() => {}, () => {});
    this.#statements.clear();
    this.#db.close();
  }

  #end(resolve, reject) {
    if (!this.#commit) return;
    this.#commit = undefined;
    try {
      this.#db.exec("COMMIT");
      resolve();
    } catch (error) {
      try {
        this.#db.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back by itself.
      }
      reject(error);
    }
  }
}
