// Says what is being done while it is done: one line a step, and a sign of life every few seconds.

/** What went wrong and how to mend it, for the person at the terminal: printed without a stack. */
export class Problem extends Error {
  /** `detail` is the failed program's own output, of which the end is shown. */
  constructor(message, detail = "") {
    super(message);
    this.detail = detail;
  }
}

const live = process.stdout.isTTY && !process.env.CI;
const HEARTBEAT_MS = live ? 200 : 5000;
const DETAIL_LINES = 40;

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * Runs one step and answers its result; one with a `code` that is not 0 has failed. `work` gets a function that shows
 * the line that the step is at.
 */
export async function step(title, work) {
  const start = performance.now();
  let at = "";
  const show = () => {
    if (live) {
      const line = `  ${title} (${seconds(start)}) ${at}`;
      process.stdout.write(`\r\x1b[2K${line.slice(0, (process.stdout.columns || 80) - 1)}`);
    } else {
      console.log(`  ${title}: ${seconds(start)}${at && ` · ${at}`}`);
    }
  };
  if (live) show();
  else console.log(`- ${title}`);
  const timer = setInterval(show, HEARTBEAT_MS);
  let outcome = "failed after";
  try {
    const result = await work((line) => {
      at = line.trim() || at;
    });
    if (!result?.code) outcome = "done in";
    return result;
  } finally {
    clearInterval(timer);
    if (live) process.stdout.write("\r\x1b[2K");
    console.log(`${live ? `- ${title}: ` : "  "}${outcome} ${seconds(start)}`);
  }
}

/** Runs a command's body: problems become one clear line and exit code 1. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    process.exitCode = 1;
    if (!(error instanceof Problem)) {
      console.error(`error: ${error.message}`);
      console.error("this is a mistake in Tollgate's scripts; TOLLGATE_DEBUG=1 shows where");
      if (process.env.TOLLGATE_DEBUG) console.error(error.stack);
      return;
    }
    const detail = error.detail.trimEnd();
    if (detail) console.error(detail.split("\n").slice(-DETAIL_LINES).join("\n"));
    console.error(`error: ${error.message}`);
  }
}
