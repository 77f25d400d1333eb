import type { Command } from 'commander';
import { printableLine } from '../../lib/printable.ts';
import { EXIT, type ExitCode } from '../../wiring/exit-codes.ts';
import { addConfigFlags, configOf } from '../config-flags.ts';
import { addOutputFlag, type OutputFormat, printAs } from '../output.ts';

/** `starling evaluate`: one decision from real signals, with everything it was made from. Writes nothing. */
export function declareEvaluate(command: Command, end: (code: ExitCode) => void): void {
  command.argument('<function-version>', 'the version id, or how it begins');
  addOutputFlag(addConfigFlags(command)).action(async (versionId: string) => {
    const { output } = command.opts<{ output: OutputFormat }>();
    const loaded = await configOf(command);
    const [{ evaluate }, { evaluationText }] = await Promise.all([
      import('./evaluate-version.ts'),
      import('../decision-text.ts'),
    ]);
    const found = await evaluate(loaded, versionId);
    if (!found) {
      process.stderr.write(
        `${printableLine(versionId)} is no active function version. Is the id right, does starling autoscale run on this store, and do its metrics arrive? starling doctor looks.\n`,
      );
      end(EXIT.checkFalse);
      return;
    }
    await printAs(output, found.document, () => evaluationText(found.evaluation));
    end(EXIT.ok);
  });
}
