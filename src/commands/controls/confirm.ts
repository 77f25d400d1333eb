import { createInterface } from 'node:readline/promises';
import { EXIT } from '../../wiring/exit-codes.ts';
import { AdminError } from '../../wiring/fleet/admin-error.ts';

/** Asks a person; where none can be asked, `--yes` has to say it. Resolves with false for anything but yes. */
export async function confirm(
  question: string,
  options: { isYes: boolean; input?: NodeJS.ReadStream; output?: NodeJS.WriteStream },
): Promise<boolean> {
  if (options.isYes) return true;
  const { input = process.stdin, output = process.stderr } = options;
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
