/** A program for a page or a worker that tries what its policy forbids: to ask another origin, and to evaluate text. Its value should be ["refused", "EvalError"]. */
export const forbiddenTo = (other: string): string => `(async () => {
  const fetched = await fetch("${other}", { mode: "no-cors" }).then(() => "fetched", () => "refused");
  // In a task of its own, because DevTools lets the task that it starts evaluate text.
  const evaluated = await new Promise((resolve) => setTimeout(() => {
    try { resolve(new Function("return 'evaluated'")()); } catch (error) { resolve(error.name); }
  }));
  return [fetched, evaluated];
})()`;
