/** In whole steps, so that a chart does not creep with every second. */
const STEP_SECONDS = 5;
const SHORTEST_SECONDS = 30;

/** The span that was chosen, or as much of it as there is anything to show of. */
export function chartWindow(options: {
  readonly spanSeconds: number;
  readonly firstSeconds: number;
  readonly nowSeconds: number;
}): { readonly from: number; readonly to: number } {
  const to = Math.ceil(options.nowSeconds / STEP_SECONDS) * STEP_SECONDS;
  const first = Math.floor(options.firstSeconds / STEP_SECONDS) * STEP_SECONDS;
  return { from: Math.max(to - options.spanSeconds, Math.min(first, to - SHORTEST_SECONDS)), to };
}

/** Whether there is anything from before a span: a longer one would show more. */
export function hasOlder(options: {
  readonly thanSeconds: number;
  readonly firstSeconds: number;
  readonly nowSeconds: number;
}): boolean {
  return options.nowSeconds - options.firstSeconds > options.thanSeconds;
}
