// Stands for node's modules in the bundle: the page has no files.

const none = () => {
  throw new Error("the page has no files");
};

export const existsSync = none;
export const readFileSync = none;
export const statSync = none;
export const dirname = none;
export const relative = none;
export const resolve = none;
