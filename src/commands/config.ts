import { type Command, Option as Flag } from 'commander';
import type { ConfigOutput } from '../config/show-config.ts';
import { printable } from '../lib/printable.ts';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { addConfigFlags, configOf } from './config-flags.ts';

/** `starling config`: what would be in force, and where each value comes from. Throws ConfigError when it is wrong. */
export function declareConfig(command: Command, end: (code: ExitCode) => void): void {
  command
    .addOption(new Flag('-o, --output <format>', 'how to print it').choices(['table', 'yaml', 'json']).default('table'))
    .option('--schema', 'print the JSON Schema of configuration files instead');
  addConfigFlags(command).action(async () => {
    const { schema, output: format } = command.opts<{ schema?: boolean; output: ConfigOutput }>();
    if (schema) {
      const { jsonSchema } = await import('../config/json-schema.ts');
      process.stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
    } else {
      const loaded = await configOf(command);
      const { showConfig } = await import('../config/show-config.ts');
      process.stdout.write(printable(showConfig(loaded, format)));
      for (const warning of loaded.warnings) process.stderr.write(`warning: ${printable(warning)}\n`);
    }
    end(EXIT.ok);
  });
}
