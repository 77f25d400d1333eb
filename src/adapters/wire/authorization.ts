import { CredentialError } from './credential.ts';

/** Secrets are asked for at every use: the files behind them change while we run. */
export type ReadSecret = () => string | undefined;

export function needed(read: ReadSecret, what: string): string {
  const value = read()?.trim();
  if (!value) throw new CredentialError(`${what} is empty; put it into its file or setting`);
  return value;
}

/** As a header of its own can carry it. */
export function headerText(text: string, what: string): string {
  const trimmed = needed(() => text, what);
  if (/^[\x20-\x7e]{1,16384}$/.test(trimmed)) return trimmed;
  throw unfit(what);
}

/** As it can stand after `Bearer`: in one piece. */
export function headerToken(token: string, what: string): string {
  const text = headerText(token, what);
  if (text.includes(' ')) throw unfit(what);
  return text;
}

export function basicHeader({ user, password }: { user: string; password: string }): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function unfit(what: string): CredentialError {
  return new CredentialError(`${what} has characters that no header can carry, or is too long`);
}
