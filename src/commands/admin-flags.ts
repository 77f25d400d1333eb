import { readFileSync } from 'node:fs';
import { type Command, Option as Flag, InvalidArgumentError } from 'commander';
import { isLoopback } from '../lib/loopback.ts';
import { EXIT } from '../wiring/exit-codes.ts';
import { AdminClient } from '../wiring/fleet/admin-client.ts';
import { AdminError } from '../wiring/fleet/admin-error.ts';

const URL_DEFAULT = 'http://127.0.0.1:8080';
/** The option that the server itself reads its token from. */
const TOKEN_ENV = 'STARLING_HTTP_ADMIN_TOKEN';
const TOKEN_FILE_ENV = 'STARLING_HTTP_ADMIN_TOKEN_FILE';

/** Where the running server is, and what proves that the caller may. */
export function addAdminFlags(command: Command): Command {
  return command
    .addOption(
      new Flag('--url <url>', 'the admin API of any replica')
        .env('STARLING_URL')
        .argParser(readUrl)
        .default(URL_DEFAULT),
    )
    .addOption(
      new Flag('--token-file <file>', 'the file that holds its token, where it asks for one').env(TOKEN_FILE_ENV),
    );
}

/** Throws an AdminError when the token cannot be read, or would be everybody's. */
export function adminClient(command: Command): AdminClient {
  const { url, tokenFile } = command.opts<{ url: string; tokenFile?: string }>();
  const token = tokenFile === undefined ? process.env[TOKEN_ENV] || undefined : readToken(tokenFile);
  if (token !== undefined && !isPrivate(new URL(url))) {
    throw new AdminError(`the token would go over plain HTTP to ${new URL(url).host}; use https:// or a tunnel`, {
      exitCode: EXIT.usage,
    });
  }
  return new AdminClient({ url, token });
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && !url.username && !url.password && !url.search && !url.hash;
  if (isPlain && (url.protocol === 'http:' || url.protocol === 'https:')) return text;
  throw new InvalidArgumentError('It must be an http:// or https:// URL without user, query and fragment.');
}

function readToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new AdminError(`the token file cannot be read: ${(error as Error).message}; --token-file names it`, {
      exitCode: EXIT.usage,
      cause: error,
    });
  }
  // Anything else could not be a header, and the error of that would show it.
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new AdminError(`${file} holds no token: one line of printable characters is needed`, { exitCode: EXIT.usage });
}

function isPrivate({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || isLoopback(hostname);
}
