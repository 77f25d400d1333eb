import { type Command, Option as Flag } from 'commander';
import { printable } from '../lib/printable.ts';

export type OutputFormat = 'table' | 'json' | 'yaml';

export function addOutputFlag(command: Command): Command {
  return command.addOption(
    new Flag('-o, --output <format>', 'how to print it').choices(['table', 'json', 'yaml']).default('table'),
  );
}

/** The one thing on standard output: text for people, or a document for machines. */
export async function printAs(format: OutputFormat, document: object, table: () => string): Promise<void> {
  process.stdout.write(await textOf(format, document, table));
}

export async function textOf(format: OutputFormat, document: object, table: () => string): Promise<string> {
  switch (format) {
    case 'table':
      return `${printable(table())}\n`;
    case 'json':
      // Such characters stand only within strings here, where the escape means the same.
      return `${printable(JSON.stringify(document, null, 2))}\n`;
    case 'yaml':
      return yamlOf(document);
    default:
      return format satisfies never;
  }
}

/** As in JSON, but YAML has such characters in plain text too, where nothing can be escaped. */
async function yamlOf(document: object): Promise<string> {
  const { Document, visit } = await import('yaml');
  const yaml = new Document(document);
  visit(yaml, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && printable(node.value) !== node.value) node.type = 'QUOTE_DOUBLE';
    },
  });
  return printable(yaml.toString({ lineWidth: 0 }));
}
