import { type Command, Option as Flag, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/duration.ts';
import { EXIT, type ExitCode } from '../../wiring/exit-codes.ts';
import type { AdminClient } from '../../wiring/fleet/admin-client.ts';
import { readStatus } from '../../wiring/fleet/fleet.ts';
import { addAdminFlags, adminClient } from '../admin-flags.ts';
import { arrange, readFleet, SORTS, type Sort, showRow } from '../fleet-table.ts';
import { addOutputFlag, type OutputFormat, printAs } from '../output.ts';
import { TOP_START } from './top-state.ts';
import { type TopFacts, topOnce } from './top-view.ts';

const EVERY_MS = 2_000;
const EVERY_MS_MIN = 500;

interface TopFlags {
  readonly once?: boolean;
  readonly interval: number;
  readonly match: string;
  readonly sort: Sort;
  readonly output: OutputFormat;
}

/** `starling top`: the fleet as it changes, in the terminal; printed once where there is no terminal. */
export function declareTop(command: Command, end: (code: ExitCode) => void): void {
  command
    .option('--once', 'print it once')
    .addOption(new Flag('--interval <duration>', 'how often to look').argParser(readInterval).default(EVERY_MS, '2s'))
    .option('-m, --match <text>', 'only those with this in their name or in the id of version, function or account', '')
    .addOption(new Flag('--sort <by>', 'largest or newest first, or by name').choices(SORTS).default(TOP_START.sort));
  addOutputFlag(addAdminFlags(command)).action(async () => {
    const { once: isOnce = false, interval, match, sort, output } = command.opts<TopFlags>();
    const client = adminClient(command);
    const start = { ...TOP_START, match, sort };
    if (isOnce || output !== 'table' || !process.stdin.isTTY || !process.stdout.isTTY) {
      const facts = await look(client);
      const { status, members } = facts;
      const functions = arrange(facts.rows, start).map(showRow);
      await printAs(output, { status, members, functions }, () => topOnce(facts, start).join('\n'));
    } else {
      const { watchFleet } = await import('./watch-fleet.ts');
      const { stdin, stdout } = process;
      await watchFleet({ look: () => look(client), start, everyMs: interval, input: stdin, output: stdout });
    }
    end(EXIT.ok);
  });
}

async function look(client: AdminClient): Promise<TopFacts> {
  const [status, fleet] = await Promise.all([readStatus(client), readFleet(client)]);
  return { url: client.url, atMs: Date.now(), status, ...fleet };
}

function readInterval(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= EVERY_MS_MIN) return ms;
  throw new InvalidArgumentError(`It must be a duration of ${EVERY_MS_MIN}ms or more, such as 2s.`);
}
