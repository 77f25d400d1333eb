import { type Command, Option as Flag } from 'commander';
import { jsonSchema } from '../config/json-schema.ts';
import { type ConfigOutput, showConfig } from '../config/show-config.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

interface Output {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** `starling config`: what would be in force, and where each value comes from. Throws ConfigError when it is wrong. */
export function declareConfigCommand(
  program: Command,
  end: (code: ExitCode) => void,
  output: Output = standardOutput,
): void {
  const command = program
    .command('config')
    .description('check the configuration and show each value with its source; secrets are masked')
    .addOption(new Flag('-o, --output <format>', 'how to print it').choices(['table', 'yaml', 'json']).default('table'))
    .addOption(new Flag('--schema', 'print the JSON Schema of configuration files instead'));
  addConfigFlags(command).action(() => {
    const { schema, output: format } = command.opts<{ schema?: boolean; output: ConfigOutput }>();
    if (schema) {
      output.stdout(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
    } else {
      const loaded = configOf(command);
      output.stdout(showConfig(loaded, format));
      for (const warning of loaded.warnings) output.stderr(`warning: ${warning}\n`);
    }
    end(EXIT.ok);
  });
}

const standardOutput: Output = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
};
