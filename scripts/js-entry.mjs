// The JavaScript build's door: glue for as many instances of the wasm as are needed, each with state of its own.
//
// What leaves the wasm by an exception leaves it in the middle of something: a panic (which on wasm is an abort), memory or a
// stack that is used up, an error of a function that it called. The instance is not to be trusted any more: it is not entered
// again, and `failed` hears of it. The build puts wasm-bindgen's glue in the place of GLUE.

/** What the event loop and the garbage collector call: there is nobody to catch. */
const LATE = /closures|destroy|free$|dealloc/;

/** Glue for one instance, which `initSync` or `default` starts. `failed` is called once, with what the instance failed of. */
export function glue(failed = () => {}) {
  let failure;

  /** The exports, as they are for as long as none of them has failed. */
  const guarded = (exports) =>
    Object.fromEntries(Object.entries(exports).map(([name, own]) => [name, typeof own === "function" ? guard(name, own) : own]));

  function guard(name, own) {
    const late = LATE.test(name);
    return (...given) => {
      try {
        if (!failure) {
          const result = own(...given);
          // A function that it called may have come back into the wasm and failed there.
          if (!failure) return result;
        }
      } catch (error) {
        if (!failure) failed((failure = error ?? new Error("an empty exception")));
      }
      if (!late) throw failure;
      // The glue looks for an error of a callback's in what it answers.
      return [];
    };
  }

  GLUE;
  return names;
}
