import { hostname, userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { type Command, Option as Flag, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/duration.ts';
import { EXIT } from '../../wiring/exit-codes.ts';
import { AdminError } from '../../wiring/fleet/admin-error.ts';

/** The API takes no longer ones: a change that was forgotten must end. */
const FOR_MS_MAX = 30 * 86_400_000;
const FOR_DEFAULT = '1h';

export interface SpanFlags {
  readonly for: number;
  readonly why: string;
  readonly by: string;
}

export interface ChangeFlags {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** A change says for how long, why, and by whom. */
export function addSpanFlags(command: Command): Command {
  return command
    .addOption(
      new Flag('--for <duration>', 'it ends by itself after this, 30d at most')
        .argParser(readSpan)
        .default(readSpan(FOR_DEFAULT), FOR_DEFAULT),
    )
    .requiredOption('--why <text>', 'the reason, shown with the change')
    .option('--by <name>', 'who says so', defaultName());
}

export function addChangeFlags(command: Command): Command {
  return command
    .option('-y, --yes', 'do it without asking')
    .option('--dry-run', 'let the server check it, and change nothing');
}

/** What the API takes. */
export function spanBody({ for: forMs, why, by }: SpanFlags): { forSeconds: number; why: string; by: string } {
  return { forSeconds: Math.round(forMs / 1000), why, by };
}

/** Asks at the terminal; where there is none, `--yes` is needed. Resolves with false for anything but yes. */
export async function confirm(question: string, { isYes }: { isYes: boolean }): Promise<boolean> {
  if (isYes) return true;
  const { stdin: input, stderr: output } = process;
  if (!input.isTTY || !output.isTTY) {
    throw new AdminError('nobody can be asked here whether that is meant: say --yes', { exitCode: EXIT.usage });
  }
  const reader = createInterface({ input, output });
  // Ctrl-C and Ctrl-D are a no.
  const closed = new Promise<string>((resolve) => reader.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([reader.question(`${question} [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    reader.close();
  }
}

function readSpan(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1000 && ms <= FOR_MS_MAX) return ms;
  throw new InvalidArgumentError('It must be a duration from 1s to 30d, such as 90m.');
}

function defaultName(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container may run as a user without a name.
    return hostname();
  }
}
