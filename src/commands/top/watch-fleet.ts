import { emitKeypressEvents } from 'node:readline';
import { styleText } from 'node:util';
import { systemClock } from '../../adapters/system/clock.ts';
import { sleep } from '../../lib/clock.ts';
import { errorText } from '../../lib/error-text.ts';
import { type Key, pressed, type TopState } from './top-state.ts';
import { type Paint, pageOf, type TopFacts, topView } from './top-view.ts';

const ALTERNATE_SCREEN = '\u001b[?1049h\u001b[?25l';
const MAIN_SCREEN = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const REST_OF_LINE = '\u001b[K';

/** Draws the fleet until the viewer leaves. Rejects when the first read fails; a later failure shows in the picture. */
export async function watchFleet(options: {
  look: () => Promise<TopFacts>;
  start: TopState;
  everyMs: number;
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
}): Promise<void> {
  const { look, everyMs, input, output } = options;
  let facts = await look();
  let state = options.start;
  let fault: string | undefined;
  const left = new AbortController();
  const paint: Paint = (format, text) => styleText(format, text, { stream: output });

  const draw = () => {
    const [width, height] = [output.columns || 80, output.rows || 24];
    const lines = topView(facts, { state, width, height, nowMs: systemClock.wallMs(), fault, paint });
    output.write(`${HOME}${lines.map((line) => `${line}${REST_OF_LINE}`).join('\n')}`);
  };
  const onKey = (_: unknown, key: Key) => {
    const next = pressed(state, key, { rows: facts.rows.length, page: pageOf(output.rows || 24) });
    if (next === 'leave') {
      left.abort();
      return;
    }
    state = next;
    draw();
  };
  const onSignal = () => left.abort();

  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', onKey);
  input.resume();
  output.on('resize', draw);
  process.on('SIGTERM', onSignal);
  output.write(ALTERNATE_SCREEN);
  try {
    while (!left.signal.aborted) {
      draw();
      await sleep(systemClock, everyMs, left.signal).catch(() => {});
      if (left.signal.aborted || state.isHeld) continue;
      try {
        facts = await look();
        fault = undefined;
      } catch (error) {
        fault = errorText(error);
      }
    }
  } finally {
    output.write(MAIN_SCREEN);
    process.off('SIGTERM', onSignal);
    output.off('resize', draw);
    input.off('keypress', onKey);
    input.setRawMode(false);
    input.pause();
  }
}
